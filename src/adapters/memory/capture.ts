import type { LogEvent } from '../../contract/log-event.ts'
import { type TableContract, tableName } from '../../contract/table.ts'
import type { ColumnValue } from '../../contract/values.ts'
import type { Clock } from '../../engine/ports.ts'
import type { MemoryLog } from './log.ts'
import { halves, type MemorySource, rowKey, type SourceState } from './source.ts'

export interface CaptureOptions {
  /** Rows of one chunk of an incremental snapshot. */
  readonly chunkRows?: number
  /** Called between the three looks at the source that a chunk takes: a test commits more there. */
  readonly meanwhile?: () => void
  /** True to put what closes a window after the BEGIN that closes it, not before. */
  readonly inside?: () => boolean
  /** True to die between the two records of a key update, of which the second is then never sent. */
  readonly halve?: () => boolean
}

interface Window {
  /** Transactions from this one on may be missing in the rows. */
  readonly low: number
  /** Transactions from this one on are in none of the rows. */
  readonly high: number
  readonly rows: Map<string, readonly ColumnValue[]>
}

interface Incremental {
  id: string
  readonly queue: TableContract[]
  /** The table being read: its rows' keys that are left, fixed when its scan starts. */
  keys: string[] | null
  /** The last key of the chunks read so far. */
  read: string | null
  window: Window | null
}

/**
 * Writes a source's history into a log the way Debezium does, a piece at a time: the initial snapshot, then transaction by transaction,
 * with incremental snapshots between the events, row by row where its windows close. A row that the log has an event of while
 * its chunk is read is dropped from the chunk; a TRUNCATE drops none.
 */
export class MemoryCapture {
  readonly #source: MemorySource
  readonly #log: MemoryLog
  readonly #clock: Clock
  readonly #options: CaptureOptions
  /** Index of the transaction being streamed, and of its next event: -1 its BEGIN. */
  #cursor: number
  #event = -1
  #snapshot: Generator<LogEvent> | null = null
  #firstAttempt = true
  #incremental: Incremental | null = null
  #signals: { readonly id: string; readonly tables: readonly string[] }[] = []
  #snapshots = 0
  /** Tables of the records of the open transaction that were never sent. */
  #lost: string[] = []

  constructor(source: MemorySource, log: MemoryLog, clock: Clock, options: CaptureOptions = {}) {
    this.#source = source
    this.#clock = clock
    this.#log = log
    this.#options = options
    this.#cursor = source.history.length
  }

  /** True while an initial snapshot is being written. */
  get snapshotting(): boolean {
    return this.#snapshot !== null
  }

  /** True when everything committed is in the log and nothing is being read. */
  get drained(): boolean {
    return this.#snapshot === null && this.#cursor === this.#source.history.length
  }

  /** Starts the initial snapshot; what an earlier start wrote of it stays in the log. Streaming goes on from the first start. */
  snapshot(): void {
    const id = `initial-${this.#snapshots++}`
    const first = this.#firstAttempt ? this.#source.state : null
    if (first !== null) this.#cursor = this.#source.history.length
    this.#firstAttempt = false
    this.#snapshot = initialSnapshot(this.#source, first, this.#source.lsn, id, this.#clock)
  }

  /** The connector is made anew: slot and offsets are lost, the log is not. What was committed meanwhile is not in it. */
  recreate(): void {
    this.#cursor = this.#source.history.length
    this.#event = -1
    this.#incremental = null
    this.#signals = []
    this.#lost = []
    this.#firstAttempt = true
    this.snapshot()
  }

  /** A signal reaches the connector. */
  signal(id: string, tables: readonly string[]): void {
    this.#signals.push({ id, tables })
  }

  /** Gives up the incremental snapshot that runs, if one does. */
  abort(): void {
    if (this.#incremental === null) return
    const { id, queue } = this.#incremental
    this.#incremental = null
    this.#log.append([this.#notice('aborted', queue, id)])
  }

  /** Writes up to `max` events, visible together. Answers how many there were. */
  step(max: number): number {
    const events: LogEvent[] = []
    while (events.length < max) {
      const more = this.#next()
      if (more.length === 0) break
      events.push(...more)
    }
    if (events.length > 0) this.#log.append(events)
    return events.length
  }

  /** Writes everything there is to write. */
  drain(): void {
    while (this.step(10_000) > 0);
  }

  #next(): LogEvent[] {
    if (this.#snapshot !== null) {
      const event = this.#snapshot.next()
      if (!event.done) return [event.value]
      this.#snapshot = null
    }
    const signalled = this.#takeSignal()
    if (signalled.length > 0) return signalled
    if (this.#incremental !== null && this.#incremental.window === null) {
      const ended = this.#openWindow(this.#incremental)
      if (ended.length > 0) return ended
    }
    const transaction = this.#source.history[this.#cursor]
    if (transaction === undefined) return []
    const window = this.#incremental?.window ?? null
    const closing = window !== null && this.#cursor >= window.high
    if (this.#event === -1) {
      const inside = this.#options.inside?.() ?? false
      if (closing && !inside) return this.#closeWindow()
      this.#event = 0
      return closing ? [transaction.begin, ...this.#closeWindow()] : [transaction.begin]
    }
    const event = transaction.events[this.#event]
    if (event === undefined) {
      this.#cursor++
      this.#event = -1
      return [this.#lost.length === 0 ? transaction.end : this.#endWithout(transaction.end)]
    }
    if (closing) return this.#closeWindow()
    this.#event++
    if (halves.get(event) === 'second' && this.#options.halve?.() && event.kind === 'change') {
      this.#lost.push(tableName(event.change.table))
      return this.#next()
    }
    if (window !== null && this.#cursor >= window.low && event.kind === 'change') this.#dedupe(window, event)
    return [event]
  }

  /** END counts what was sent. */
  #endWithout(end: LogEvent): LogEvent {
    if (end.kind !== 'end') return end
    const counts = new Map(end.counts)
    for (const table of this.#lost) counts.set(table, counts.get(table)! - 1)
    this.#lost = []
    return { ...end, counts }
  }

  #takeSignal(): LogEvent[] {
    const signal = this.#signals.shift()
    if (signal === undefined) return []
    const tables = [...this.#source.state.keys()].filter((table) => signal.tables.includes(tableName(table)))
    if (this.#incremental !== null) {
      this.#incremental.id = signal.id
      this.#incremental.queue.push(...tables)
      return this.#takeSignal()
    }
    this.#incremental = { id: signal.id, queue: tables, keys: null, read: null, window: null }
    return [this.#notice('started', tables, signal.id)]
  }

  /** Looks at the next chunk; or says that a table, or all of it, is done. */
  #openWindow(incremental: Incremental): LogEvent[] {
    const table = incremental.queue[0]
    if (table === undefined) {
      this.#incremental = null
      return [this.#notice('completed', [], incremental.id)]
    }
    incremental.keys ??= [...this.#source.state.get(table)!.keys()].sort()
    const low = this.#source.history.length
    this.#options.meanwhile?.()
    // Like the real one: rows of a key range as they are now, new ones in the range among them.
    const chunk = incremental.keys.splice(0, this.#options.chunkRows ?? 1000)
    const to = chunk.at(-1)
    if (to === undefined) {
      incremental.queue.shift()
      incremental.keys = null
      incremental.read = null
      return [this.#notice('table-done', [table], incremental.id)]
    }
    const now = this.#source.state.get(table)!
    const after = incremental.read
    const rows = new Map([...now].filter(([key]) => key <= to && (after === null || key > after)))
    incremental.read = to
    this.#options.meanwhile?.()
    incremental.window = { low, high: this.#source.history.length, rows }
    return []
  }

  #closeWindow(): LogEvent[] {
    const incremental = this.#incremental!
    const table = incremental.queue[0]!
    const rows = [...incremental.window!.rows.values()]
    incremental.window = null
    const lsn = this.#source.history[this.#cursor]!.lsn
    return [...rows.map((row): LogEvent => loadRow(table, row, lsn)), this.#notice('progress', [table], incremental.id)]
  }

  #notice(status: Status, tables: readonly TableContract[], id: string): LogEvent {
    return notice('incremental', status, id, tables, this.#clock.nowMs())
  }

  #dedupe(window: Window, event: LogEvent & { kind: 'change' }): void {
    const { table, row } = event.change
    if (table === this.#incremental!.queue[0]) window.rows.delete(rowKey(table, row))
  }
}

type Status = (LogEvent & { kind: 'snapshot' })['status']

/** Only the attempt that makes the slot reads all tables as of one moment, which is `first`; others read each as it is by then. */
function* initialSnapshot(
  source: MemorySource,
  first: SourceState | null,
  lsn: bigint,
  id: string,
  clock: Clock,
): Generator<LogEvent> {
  const say = (status: Status, tables: readonly TableContract[]): LogEvent =>
    notice('initial', status, id, tables, clock.nowMs())
  yield say('started', [])
  for (const table of source.state.keys()) {
    yield say('progress', [table])
    const rows = [...(first ?? source.state).get(table)!.values()]
    // Like the real one, which holds each row back to mark the last: that one follows the notice.
    const last = rows.pop()
    for (const row of rows) yield loadRow(table, row, lsn)
    yield say('table-done', [table])
    if (last !== undefined) yield loadRow(table, last, lsn)
  }
  yield say('completed', [])
}

function loadRow(table: TableContract, row: readonly ColumnValue[], lsn: bigint): LogEvent {
  return { kind: 'change', transaction: null, lsn, change: { table, op: 'load', row } }
}

function notice(
  scope: 'initial' | 'incremental',
  status: Status,
  id: string,
  tables: readonly TableContract[],
  timeMs: number,
): LogEvent {
  return { kind: 'snapshot', scope, status, id, tables: tables.map(tableName), timeMs }
}
