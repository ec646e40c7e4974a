import type { TargetTable } from '../../contract/target-table.ts'
import type { ColumnValue } from '../../contract/values.ts'
import type { Position, SinkTransaction, SyncSink } from '../../engine/ports.ts'
import { fault, isMillraceError, messageOf } from '../../errors.ts'
import { type Gate, openGate } from './gate.ts'
import { type ConstraintMode, TargetStore } from './target-store.ts'

export interface MemorySinkOptions {
  readonly sync: string
  readonly constraints?: ConstraintMode
  /** Told after every commit. */
  readonly committed?: (position: Position) => void
}

/** A connection's transaction as the server sees it. */
interface ServerTransaction {
  readonly connection: MemoryConnection
  /** A COMMIT is on its way: its outcome is open even when nobody waits for it any more. */
  committing: (() => void) | null
  /** The client does not know, or does not live to see, how it ends. */
  lost: boolean
}

/** A store for one sync in memory: what `SyncSink` promises, to the letter. Any number of connections, one writes at a time. */
export class MemorySink {
  readonly #options: MemorySinkOptions
  #store: TargetStore
  #staging: TargetStore | null = null
  readonly #shelf = new Map<string, ReadonlyMap<string, readonly ColumnValue[]>>()
  #targets: readonly TargetTable[]
  epoch = 0n
  position: Position | null = null
  #holder: ServerTransaction | null = null
  #queue: { readonly connection: MemoryConnection; readonly enter: () => void }[] = []

  constructor(targets: readonly TargetTable[], options: MemorySinkOptions) {
    this.#targets = targets
    this.#options = options
    this.#store = new TargetStore(targets, options.constraints ?? 'deferred')
  }

  get sync(): string {
    return this.#options.sync
  }

  /** What a reader sees. */
  get store(): TargetStore {
    return this.#store
  }

  get staging(): TargetStore | null {
    return this.#staging
  }

  /** True while a transaction is open; then `store` holds what is not committed, too. */
  get busy(): boolean {
    return this.#holder !== null
  }

  connect(gate: Gate = openGate): MemoryConnection {
    return new MemoryConnection(this, gate)
  }

  /** Other tables from now on, as `apply` would make them. A table that was there before in the same shape still has its rows. */
  reshape(targets: readonly TargetTable[]): void {
    this.#targets.forEach((target, table) => {
      this.#shelf.set(shape(target), this.#store.rows(table))
    })
    this.#targets = targets
    this.#store = new TargetStore(targets, this.#options.constraints ?? 'deferred')
    targets.forEach((target, table) => {
      this.#store.fill(table, this.#shelf.get(shape(target)) ?? new Map())
    })
  }

  /** What `millrace reset` does: the sync is forgotten, its rows stay. */
  forget(): void {
    this.position = null
    this.epoch += 1n
    this.#staging = null
  }

  newStaging(): TargetStore {
    this.#staging = new TargetStore(this.#targets, 'none')
    return this.#staging
  }

  setStaging(staging: TargetStore | null): void {
    this.#staging = staging
  }

  /** Waits for the row of the position, as every writer does. */
  async lock(connection: MemoryConnection): Promise<ServerTransaction> {
    if (this.#holder !== null) await new Promise<void>((enter) => this.#queue.push({ connection, enter }))
    this.#holder = { connection, committing: null, lost: false }
    return this.#holder
  }

  unlock(transaction: ServerTransaction): void {
    if (this.#holder !== transaction) return
    this.#holder = null
    const next = this.#queue.shift()
    if (next === undefined) return
    // Nobody may come in between.
    this.#holder = { connection: next.connection, committing: null, lost: false }
    next.enter()
  }

  /** True while a transaction is open whose client is gone. Everybody else waits for it. */
  get lost(): boolean {
    return this.#holder?.lost ?? false
  }

  /** The server ends a transaction whose client is gone. `land`: a COMMIT on its way goes through. */
  endLost(land: boolean): void {
    if (this.#holder?.lost) this.end(this.#holder, land)
  }

  /** A client died: it waits for nothing any more, and its transaction is left to the server. */
  abandon(connection: MemoryConnection): void {
    this.#queue = this.#queue.filter((waiting) => waiting.connection !== connection)
    if (this.#holder?.connection === connection) this.#holder.lost = true
  }

  end(transaction: ServerTransaction, land: boolean): void {
    if (this.#holder !== transaction) return
    if (!land || !transaction.committing || !goesThrough(transaction.committing)) {
      this.#store.undo()
      transaction.connection.undoStaging()
    }
    this.unlock(transaction)
  }

  committed(position: Position): void {
    this.#options.committed?.(position)
  }
}

function shape({ schema, table, columns }: TargetTable): string {
  return JSON.stringify([schema, table, columns])
}

function goesThrough(commit: () => void): boolean {
  try {
    commit()
    return true
  } catch {
    return false
  }
}

/** One worker's connection to the sink. */
export class MemoryConnection implements SyncSink {
  readonly #sink: MemorySink
  readonly #gate: Gate
  #stagingBefore: TargetStore | null = null
  #stagingTouched = false

  constructor(sink: MemorySink, gate: Gate) {
    this.#sink = sink
    this.#gate = gate
  }

  /** The worker died. What the server makes of its transaction is for `MemorySink.endLost` to say. */
  die(): void {
    this.#sink.abandon(this)
  }

  undoStaging(): void {
    if (!this.#stagingTouched) return
    this.#sink.staging?.undo()
    this.#stagingBefore?.undo()
    this.#sink.setStaging(this.#stagingBefore)
    this.#stagingTouched = false
  }

  async takeOver(): Promise<{ readonly epoch: bigint; readonly position: Position | null }> {
    await this.#gate('takeOver.send', () => {})
    const held = await this.#sink.lock(this)
    try {
      return await this.#gate('takeOver', () => {
        this.#sink.epoch += 1n
        return { epoch: this.#sink.epoch, position: this.#sink.position }
      })
    } finally {
      this.#sink.unlock(held)
    }
  }

  async begin(epoch: bigint): Promise<SinkTransaction> {
    await this.#gate('begin.send', () => {})
    const held = await this.#sink.lock(this)
    try {
      await this.#gate('begin', () => {
        if (this.#sink.epoch !== epoch) throw fault('FENCED', { sync: this.#sink.sync })
      })
    } catch (error) {
      this.#sink.unlock(held)
      throw error
    }
    this.#stagingTouched = false
    return this.#transaction(held)
  }

  async targetsEmpty(): Promise<boolean> {
    return this.#gate('targetsEmpty', () => this.#sink.store.empty && !this.#sink.store.constrained)
  }

  async position(): Promise<{ readonly epoch: bigint; readonly position: Position | null }> {
    return this.#gate('position', () => ({ epoch: this.#sink.epoch, position: this.#sink.position }))
  }

  async close(): Promise<void> {}

  #transaction(held: ServerTransaction): SinkTransaction {
    const sink = this.#sink
    let open = true
    const store = (into: 'target' | 'staging'): TargetStore => {
      if (into === 'target') return sink.store
      this.#touchStaging()
      if (sink.staging === null) throw new Error('There is no staging to write to.')
      return sink.staging
    }
    const call = async <T>(name: string, effect: () => T): Promise<T> => {
      if (!open) throw new Error(`${name} in a transaction that is over.`)
      try {
        return await this.#gate(name, effect)
      } catch (error) {
        open = false
        sink.end(held, false)
        throw error
      }
    }
    return {
      apply: (changes, how, into) => call('apply', () => ({ missing: store(into)[how](changes) })),
      clear: (into) =>
        call('clear', () => {
          if (into === 'target') return sink.store.clear()
          this.#touchStaging()
          sink.newStaging()
        }),
      mergeStaging: () =>
        call('mergeStaging', () => {
          const { staging } = sink
          if (staging === null) throw new Error('There is no staging to merge.')
          this.#touchStaging()
          sink.store.become(staging)
          sink.setStaging(null)
        }),
      commit: async (position) => {
        if (!open) throw new Error('commit in a transaction that is over.')
        open = false
        let landed = false
        held.committing = () => {
          sink.store.checkDeferred()
          landed = true
          sink.store.keep()
          sink.staging?.keep()
          this.#stagingTouched = false
          sink.position = position
          sink.committed(position)
          held.committing = null
        }
        try {
          await this.#gate('commit', () => {
            held.committing?.()
            sink.unlock(held)
          })
        } catch (error) {
          if (landed) sink.unlock(held)
          const refused = isMillraceError(error) && error.code === 'SINK_CONSTRAINT'
          if (refused) sink.end(held, false)
          else if (!landed) held.lost = true
          throw refused ? error : fault('COMMIT_UNKNOWN', { sync: sink.sync, reason: messageOf(error) }, error)
        }
      },
      rollback: async () => {
        if (!open) return
        open = false
        await this.#gate('rollback', () => {}).catch(() => {})
        sink.end(held, false)
      },
    }
  }

  #touchStaging(): void {
    if (this.#stagingTouched) return
    this.#stagingTouched = true
    this.#stagingBefore = this.#sink.staging
  }
}
