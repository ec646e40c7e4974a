import type { Change, LogEvent, LogRecord, SourceIdentity } from '../contract/log-event.ts'
import { type TableContract, tableName } from '../contract/table.ts'
import type { ColumnValue } from '../contract/values.ts'
import { fault, isMillraceError, messageOf } from '../errors.ts'
import {
  afterTruncate,
  onIncremental,
  onInitial,
  type SnapshotNotice,
  settles,
  skipsTransactions,
  takesRow,
} from './load.ts'
import type { SyncMapping, TableMapping } from './mapping.ts'
import { keyText, type MissingRows } from './missing-rows.ts'
import type { LoadState, Position } from './ports.ts'
import type { Sequencer } from './sequencer.ts'
import type { Writer } from './writer.ts'

/**
 * What a record asks of the session beyond being taken in.
 *
 * - `whole`: the load has come to a commit where it may be whole.
 * - `over`: the source begins its initial snapshot, for the first time or again: load from here.
 * - `absent`: the log does not begin with an initial snapshot.
 * - `round`: the snapshot ended without all tables; another round is needed.
 * - `ask`: the snapshot asked for was perhaps swallowed; ask again.
 * - `wait`: another snapshot is under way; do not ask again yet.
 * - `phase`: the load went on to another phase.
 */
export type Demand =
  | { readonly kind: 'whole'; readonly lsn: bigint; readonly commitTimeMs: number }
  | { readonly kind: 'over'; readonly id: string }
  | { readonly kind: 'absent' | 'round' | 'ask' | 'wait' | 'phase' }

/** A source table as changes meet it. */
interface Route {
  readonly name: string
  readonly mappings: readonly TableMapping[]
  /** Some target can get partial images. */
  readonly partial: boolean
}

/**
 * Takes a log in, record by record and synchronously, pushes what follows for the targets to the writer, and knows what a position
 * would say here.
 */
export class Follower {
  readonly #sync: SyncMapping
  readonly #sequencer: Sequencer
  readonly #writer: Writer
  readonly #missing: MissingRows
  readonly #routes = new Map<TableContract, Route>()
  readonly #clockSkewMs: number
  readonly #mappings: Position['mappings']
  #nextOffset: bigint
  #appliedLsn: bigint | null
  #commitTimeMs: number | null
  #identity: SourceIdentity | null
  #load: LoadState | null
  #untilLsn: bigint | null = null
  /** A delete that may be the first half of a key change whose other half leaves columns `unchanged`. */
  #held: Change | null = null
  /** Load rows taken since the load's state was last set. */
  rows = 0

  constructor(
    sync: SyncMapping,
    sequencer: Sequencer,
    writer: Writer,
    missing: MissingRows,
    position: Position,
    clockSkewMs: number,
  ) {
    this.#clockSkewMs = clockSkewMs
    this.#sync = sync
    this.#sequencer = sequencer
    this.#writer = writer
    this.#missing = missing
    this.#mappings = position.mappings
    this.#nextOffset = position.nextOffset
    this.#appliedLsn = position.appliedLsn
    this.#commitTimeMs = position.commitTimeMs
    this.#identity = position.identity
    this.#load = position.load
    this.load = position.load
  }

  get load(): LoadState | null {
    return this.#load
  }

  set load(load: LoadState | null) {
    this.#load = load
    this.#untilLsn = load?.untilLsn ?? null
    this.#writer.into = load?.into ?? 'target'
    this.#sequencer.expectAfter(load === null ? this.#appliedLsn : null)
    this.rows = 0
  }

  /** What the position says if it is stored here. */
  point(): Position {
    return {
      nextOffset: this.#nextOffset,
      appliedLsn: this.#appliedLsn,
      commitTimeMs: this.#commitTimeMs,
      identity: this.#identity,
      load: this.#load && { ...this.#load, untilLsn: this.#untilLsn },
      mappings: this.#mappings,
    }
  }

  /** The load is whole: the targets show the source as of this commit. */
  whole(lsn: bigint, commitTimeMs: number): void {
    this.#appliedLsn = lsn
    this.#commitTimeMs = commitTimeMs
    this.load = null
  }

  /**
   * The source begins its snapshot here: what came before and is not `stored`, an unfinished transaction with it, counts no more.
   */
  startOver(load: LoadState, stored: Position): void {
    this.#sequencer.abandon()
    this.#held = null
    this.#appliedLsn = stored.appliedLsn
    this.#commitTimeMs = stored.commitTimeMs
    this.#identity = stored.appliedLsn === null ? null : stored.identity
    this.load = load
    for (const table of load.tables) this.#missing.forget(table)
  }

  /** Takes one record in. Undefined almost always: then the next can follow at once. */
  take(record: LogRecord): Demand | Promise<void> | undefined {
    this.#nextOffset = record.offset + 1n
    const event = this.#sequencer.accept(record)
    if (event === undefined) return undefined
    switch (event.kind) {
      case 'change':
        if (event.change.op === 'load') this.#loadRow(event.change, event.lsn, record)
        else this.#change(event.change, record)
        return undefined
      case 'begin':
        return this.#load?.from === 'beginning' && this.#load.phase === 'awaiting' ? { kind: 'absent' } : undefined
      case 'end':
        return this.#end(event)
      case 'truncate':
        this.#truncate(event.table, record)
        return undefined
      case 'identity':
        this.#checkIdentity(event.identity)
        return undefined
      case 'snapshot':
        return this.#notice(event)
    }
  }

  /** Outside of transactions a load may be cut anywhere. */
  markLoad(): Promise<void> | undefined {
    if (this.#load === null || !this.#sequencer.outside) return undefined
    return this.#writer.mark(this.point(), 0)
  }

  #change(change: Change, record: LogRecord): void {
    if (this.#load !== null && skipsTransactions(this.#load)) return
    const route = this.#route(change.table)
    const held = this.#held
    if (held !== null) {
      this.#held = null
      if (change.op === 'insert' && change.table === held.table && this.#move(held, change, route, record)) return
      this.#delete(held)
    }
    if (change.op === 'delete') {
      if (route.partial) this.#held = change
      else this.#delete(change)
    } else {
      this.#upsert(change, route, record)
    }
    this.#writer.weigh(record.value?.length ?? 0)
  }

  #upsert(change: Change, route: Route, record: LogRecord): void {
    for (const mapping of route.mappings) {
      const values = this.#map(mapping, change, record)
      if (values !== null) this.#writer.push({ op: 'upsert', table: mapping.index, values })
      // An insert of a row that does not match has nothing to take away.
      else if (change.op === 'update')
        this.#writer.push({ op: 'delete', table: mapping.index, values: mapping.key(change.row) })
    }
  }

  #delete(change: Change): void {
    for (const mapping of this.#route(change.table).mappings) {
      this.#writer.push({ op: 'delete', table: mapping.index, values: mapping.key(change.row) })
    }
  }

  /**
   * A key change arrives as a delete and an insert, and the insert leaves out what the update did not touch. False when this insert is
   * whole. While rows may be wrong or missing, it is split in two that can do no harm, and the table is read again.
   */
  #move(from: Change, to: Change, route: Route, record: LogRecord): boolean {
    const images = route.mappings.map((mapping) => this.#map(mapping, to, record))
    if (!images.some((values, at) => values !== null && route.mappings[at]!.isPartial(values))) return false
    const exact = this.#load === null || (this.#load.from === 'signal' && !this.#load.clear.includes(route.name))
    if (!exact) this.#missing.doubt(route.name)
    route.mappings.forEach((mapping, at) => {
      const values = images[at]!
      const before = mapping.key(from.row)
      if (exact && values !== null && mapping.isPartial(values)) {
        this.#writer.push({ op: 'move', table: mapping.index, from: before, values })
        return
      }
      this.#writer.push({ op: 'delete', table: mapping.index, values: before })
      if (values !== null) this.#writer.push({ op: 'upsert', table: mapping.index, values })
    })
    this.#writer.weigh(record.value?.length ?? 0)
    return true
  }

  /** While nothing is loaded, a snapshot's row says nothing that the targets do not show already. */
  #loadRow(change: Change, lsn: bigint, record: LogRecord): void {
    const route = this.#route(change.table)
    if (this.#load === null || !takesRow(this.#load, route.name)) return
    for (const mapping of route.mappings) {
      const values = this.#map(mapping, change, record)
      if (values !== null) this.#writer.push({ op: 'upsert', table: mapping.index, values })
    }
    if (this.#untilLsn === null || lsn > this.#untilLsn) this.#untilLsn = lsn
    this.rows++
    this.#writer.weigh(record.value?.length ?? 0)
  }

  #truncate(table: TableContract, record: LogRecord): void {
    this.#release()
    if (this.#load !== null && skipsTransactions(this.#load)) return
    if (this.#sync.truncate === 'ignore') return
    const { name, mappings } = this.#route(table)
    if (this.#load === null && this.#sync.truncate === 'stop') {
      const { transaction } = this.#sequencer
      throw fault('SYNC_TRUNCATED', { sync: this.#sync.name, transaction, offset: record.offset, table: name })
    }
    for (const mapping of mappings) this.#writer.push({ op: 'truncate', table: mapping.index })
    if (this.#load === null) return
    this.#load = afterTruncate(this.#load, name)
    if (this.#load.clear.includes(name)) this.#missing.doubt(name)
  }

  #end(event: LogEvent & { kind: 'end' }): Demand | Promise<void> | undefined {
    this.#release()
    const { lsn, commitTimeMs } = event
    const load = this.#load
    if (load === null) {
      this.#appliedLsn = lsn
      this.#commitTimeMs = commitTimeMs
    } else if (settles({ ...load, untilLsn: this.#untilLsn }, lsn, commitTimeMs, this.#clockSkewMs)) {
      return { kind: 'whole', lsn, commitTimeMs }
    }
    return this.#writer.mark(this.point(), 1)
  }

  #notice(notice: SnapshotNotice): Demand | undefined {
    if (notice.scope === 'initial' && notice.status === 'started') return { kind: 'over', id: notice.id }
    const load = this.#load
    if (load === null || (notice.scope === 'initial') !== (load.from === 'beginning')) return undefined
    const step: ReturnType<typeof onIncremental> =
      notice.scope === 'initial' ? { load: onInitial(load, notice) } : onIncremental(load, notice)
    this.#load = step.load
    if (step.demand === 'start') this.#startRows(step.load)
    if (step.demand !== undefined && step.demand !== 'start') return { kind: step.demand }
    return step.load.phase === load.phase ? undefined : { kind: 'phase' }
  }

  #startRows(load: LoadState): void {
    for (const { index, source } of this.#sync.tables) {
      const name = tableName(source)
      if (load.clear.includes(name) && load.tables.includes(name)) this.#writer.push({ op: 'truncate', table: index })
    }
    this.#load = { ...load, clear: load.clear.filter((table) => !load.tables.includes(table)) }
    for (const table of load.tables) this.#missing.forget(table)
  }

  #release(): void {
    if (this.#held === null) return
    this.#delete(this.#held)
    this.#held = null
  }

  #map(mapping: TableMapping, change: Change, record: LogRecord): readonly ColumnValue[] | null {
    try {
      return mapping.map(change.row)
    } catch (error) {
      const named = isMillraceError(error) ? error.facts.function : undefined
      throw fault(
        'SYNC_FUNCTION_FAILED',
        {
          sync: this.#sync.name,
          transaction: this.#sequencer.transaction,
          offset: record.offset,
          function: named ?? 'where or row',
          table: tableName(mapping.source),
          row: keyText(mapping, mapping.key(change.row)),
          reason: messageOf(error),
        },
        error,
      )
    }
  }

  #checkIdentity(identity: SourceIdentity): void {
    const known = this.#identity
    if (known === null) {
      this.#identity = identity
    } else if (known.systemIdentifier !== identity.systemIdentifier || known.timeline !== identity.timeline) {
      const text = (of: SourceIdentity) => `${of.systemIdentifier}/${of.timeline}`
      throw fault('SOURCE_REPLACED', { sync: this.#sync.name, found: text(identity), known: text(known) })
    }
  }

  #route(table: TableContract): Route {
    let route = this.#routes.get(table)
    if (route === undefined) {
      const name = tableName(table)
      const mappings = this.#sync.tables.filter((mapping) => tableName(mapping.source) === name)
      route = { name, mappings, partial: mappings.some((mapping) => mapping.partial) }
      this.#routes.set(table, route)
    }
    return route
  }
}
