import type { LogDecoder } from '../contract/log-event.ts'
import { fault } from '../errors.ts'
import { checkAnchor, readFrom } from './anchor.ts'
import { Asker } from './asker.ts'
import { randomId } from './backoff.ts'
import type { SyncBounds } from './bounds.ts'
import { type Careful, isDataError, namePlace } from './careful.ts'
import { type Demand, Follower } from './follow.ts'
import { beginLoad, nextRound, uncovered } from './load.ts'
import type { SyncMapping } from './mapping.ts'
import { keyText, MissingRows } from './missing-rows.ts'
import type { SyncReport } from './observe.ts'
import type { Applied, Clock, LoadSignals, LogBatch, Position, SinkChange, SyncSink, Tenure } from './ports.ts'
import { Pull } from './pull.ts'
import { Sequencer } from './sequencer.ts'
import { type Commit, Writer } from './writer.ts'

/** How a reading stands: shown as the sync's state. */
export type Standing = 'snapshotting' | 'loading' | 'catching up' | 'live'

export interface ReadingOptions {
  readonly sync: SyncMapping
  readonly tenure: Tenure
  readonly decoder: LogDecoder
  readonly sink: SyncSink
  readonly signals: LoadSignals
  readonly clock: Clock
  readonly bounds: SyncBounds
  /** Outlives readings. */
  readonly careful: Careful
  report(event: SyncReport): void
  /** Said at the beginning, and with `progress` whenever something was committed or the log's end was reached. */
  stands(standing: Standing, progress: boolean): void
}

/** Reads the log from one position on, and brings it to the sink, until the tenure ends or something goes wrong. */
export class Reading {
  readonly #options: ReadingOptions
  readonly #tables: readonly string[]
  readonly #start: Position
  readonly #missing: MissingRows
  readonly #sequencer: Sequencer
  readonly #writer: Writer
  readonly #follower: Follower
  readonly #asker: Asker
  #pull: Pull | null = null
  #stored: Position
  #endOffset = 0n
  #reachedEndMs: number
  #live = false

  constructor(options: ReadingOptions, tables: readonly string[], epoch: bigint, start: Position) {
    const { sync, sink, clock, bounds, careful } = options
    this.#options = options
    this.#tables = tables
    this.#start = start
    this.#stored = start
    this.#reachedEndMs = clock.nowMs()
    this.#missing = new MissingRows(sync.tables, start.load?.again ?? [], bounds.missingRowsMax)
    const joining = start.load?.phase === 'awaiting' && start.load.from === 'signal'
    this.#sequencer = new Sequencer(sync.name, options.decoder, new Set(tables), joining)
    this.#writer = new Writer(sink, epoch, clock, bounds, careful.until !== null, {
      applied: (changes, answer) => this.#applied(changes, answer),
      settle: (point) =>
        point.load === null ? point : { ...point, load: { ...point.load, again: this.#missing.tables() } },
      committed: (commit) => this.#committed(commit),
    })
    this.#follower = new Follower(sync, this.#sequencer, this.#writer, this.#missing, start, bounds.clockSkewMs)
    this.#asker = new Asker(
      options.signals,
      clock,
      bounds,
      () => this.#stands(true),
      (error) => this.#pull?.interrupt(error),
    )
  }

  /** `ended` with the tenure; `absent` when the load must begin another way because the log does not begin with a snapshot. */
  async run(): Promise<'ended' | 'absent'> {
    const { tenure, clock, careful, sync } = this.#options
    const { first } = await tenure.range()
    const { from, anchored } = readFrom(this.#start, first)
    const pull = new Pull(tenure.read(from), clock)
    this.#pull = pull
    this.#stands(false)
    this.#asker.follow(this.#follower.load)
    try {
      return await this.#loop(pull, anchored)
    } catch (error) {
      if (!isDataError(error)) throw error
      // What came before the culprit is not held up by it.
      const reached = this.#follower.point().nextOffset
      careful.found = this.#writer.careful || (careful.until !== null && careful.until >= reached)
      const named = careful.found ? namePlace(error, sync.name, this.#sequencer.transaction, reached - 1n) : error
      await this.#writer.commitNow().catch(() => {})
      if (careful.until === null || careful.until < reached) careful.until = reached
      throw named
    } finally {
      this.#asker.stop()
      pull.close()
      await this.#writer.abandon()
    }
  }

  async #loop(pull: Pull, anchored: boolean): Promise<'ended' | 'absent'> {
    const { tenure, decoder, sync } = this.#options
    let anchor = anchored
    let wait: number | null = null
    for (;;) {
      const batch = await pull.next(wait)
      if (batch === 'ended' || tenure.signal.aborted) {
        await this.#writer.commitNow()
        if (tenure.signal.aborted) return 'ended'
        throw fault('ENGINE_UNEXPECTED', { sync: sync.name, reason: 'the reading of the log ended by itself' })
      }
      if (batch === 'waited') {
        wait = await this.#writer.commitWhole(true)
        continue
      }
      this.#endOffset = batch.endOffset
      await decoder.prepare(batch.records)
      let at = 0
      if (anchor && batch.records.length > 0) {
        checkAnchor(sync.name, this.#start, batch.records[0]!, decoder)
        anchor = false
        at = 1
      }
      if ((await this.#take(batch, at)) === 'absent') return 'absent'
      wait = await this.#afterBatch(batch)
    }
  }

  async #take({ records }: LogBatch, start: number): Promise<'absent' | undefined> {
    const { signal } = this.#options.tenure
    for (let at = start; at < records.length; at++) {
      const demand = this.#follower.take(records[at]!)
      if (demand !== undefined) {
        if (demand instanceof Promise) await demand
        else if (demand.kind === 'absent') return 'absent'
        else await this.#meet(demand)
        if (signal.aborted) return undefined
      }
      if (this.#writer.crowded) {
        await this.#follower.markLoad()
        await this.#writer.relieve()
        if (signal.aborted) return undefined
      }
    }
    return undefined
  }

  /** At the log's end everything whole is committed at once. Answers how long to wait at most for the next batch. */
  async #afterBatch(batch: LogBatch): Promise<number | null> {
    const { clock, bounds, tenure } = this.#options
    if (tenure.signal.aborted) return null
    if (batch.nextOffset < batch.endOffset) {
      if (this.#live && clock.nowMs() - this.#reachedEndMs > bounds.behindMs) {
        this.#live = false
        this.#stands(false)
      }
      return null
    }
    await this.#follower.markLoad()
    const wait = await this.#writer.commitWhole(false)
    this.#reachedEndMs = clock.nowMs()
    this.#live = true
    this.#stands(!this.#waits)
    return wait
  }

  async #meet(demand: Exclude<Demand, { kind: 'absent' }>): Promise<void> {
    switch (demand.kind) {
      case 'whole':
        return this.#whole(demand.lsn, demand.commitTimeMs)
      case 'over':
        return this.#startOver(demand.id)
      case 'round':
        return this.#again(uncovered(this.#follower.load!))
      case 'ask':
        this.#asker.nudge()
        return
      case 'wait':
        this.#asker.postpone()
        return
      case 'phase':
        this.#asker.follow(this.#follower.load)
        this.#stands(false)
        this.#options.report({ kind: 'load', load: this.#follower.load, rows: this.#follower.rows })
    }
  }

  /** A commit at which the load may be whole: it is, unless rows are missing. */
  async #whole(lsn: bigint, commitTimeMs: number): Promise<void> {
    await this.#writer.flush()
    const load = this.#follower.load!
    const again = [...new Set([...uncovered(load), ...this.#missing.tables()])]
    if (again.length > 0) {
      await this.#again(again)
      const { sync, bounds } = this.#options
      if (load.round < bounds.loadRoundsMax) return
      // The next round is stored: after the pause it is asked for all the same.
      throw fault('LOAD_INCOMPLETE', { sync: sync.name, rounds: load.round, tables: again.join(', ') })
    }
    if (load.into === 'staging') await this.#writer.within((transaction) => transaction.mergeStaging())
    const { rows } = this.#follower
    this.#follower.whole(lsn, commitTimeMs)
    await this.#writer.mark(this.#follower.point(), 1)
    await this.#writer.commitNow()
    this.#options.report({ kind: 'load', load: null, rows })
    this.#stands(true)
  }

  /** Another snapshot of some of the tables. Stored before it is asked for, where that can be. */
  async #again(tables: readonly string[]): Promise<void> {
    const { sync, clock, report } = this.#options
    const load = nextRound(this.#follower.load!, randomId(sync.name, clock), tables)
    const { rows } = this.#follower
    this.#follower.load = load
    await this.#follower.markLoad()
    await this.#writer.commitNow()
    report({ kind: 'load', load, rows })
    this.#asker.follow(load)
    this.#stands(false)
  }

  /** The source begins its initial snapshot: whatever was loaded is void, and the log before may have a gap. */
  async #startOver(id: string): Promise<void> {
    const { report } = this.#options
    await this.#writer.commitNow()
    await this.#writer.abandon()
    const into = this.#follower.load?.into ?? 'staging'
    const load = { ...beginLoad({ id, from: 'beginning', into, tables: this.#tables }), phase: 'rows' as const }
    this.#follower.startOver(load, this.#stored)
    await this.#writer.within((transaction) => transaction.clear(into))
    await this.#writer.mark(this.#follower.point(), 0)
    await this.#writer.commitNow()
    this.#asker.follow(load)
    this.#stands(false)
    report({ kind: 'load', load, rows: 0 })
  }

  #applied(changes: readonly SinkChange[], { missing }: Applied): void {
    if (this.#writer.into === 'staging' || this.#follower.load !== null) {
      this.#missing.applied(changes, missing)
      return
    }
    const first = missing[0]
    if (first === undefined || first.op === 'truncate') return
    const { sync } = this.#options
    const mapping = sync.tables[first.table]!
    const row = keyText(mapping, first.op === 'move' ? first.from : first.values)
    const place = { transaction: this.#sequencer.transaction, offset: this.#follower.point().nextOffset - 1n }
    throw fault('SYNC_ROW_MISSING', { sync: sync.name, ...place, table: mapping.entry, row })
  }

  #committed(commit: Commit): void {
    const { careful, report } = this.#options
    const { position, transactions, changes, bytes, tookMs } = commit
    const { appliedLsn, commitTimeMs, nextOffset } = position
    this.#stored = position
    if (careful.until !== null && nextOffset >= careful.until) {
      careful.until = null
      this.#writer.careful = false
    }
    let endOffset = this.#endOffset
    if (endOffset < nextOffset) endOffset = nextOffset
    report({ kind: 'applied', transactions, changes, bytes, appliedLsn, commitTimeMs, nextOffset, endOffset, tookMs })
    if (position.load !== null && changes > 0) report({ kind: 'load', load: position.load, rows: this.#follower.rows })
    this.#stands(!this.#waits)
  }

  /** Waiting for a snapshot is no progress, whatever passes by meanwhile. */
  get #waits(): boolean {
    return this.#follower.load?.phase === 'awaiting'
  }

  #stands(progress: boolean): void {
    const { load } = this.#follower
    const behind = this.#live ? 'live' : 'catching up'
    const standing = load === null ? behind : load.phase === 'awaiting' ? 'snapshotting' : 'loading'
    this.#options.stands(standing, progress)
  }
}
