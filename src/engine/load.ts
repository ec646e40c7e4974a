import type { LogEvent } from '../contract/log-event.ts'
import type { LoadState } from './ports.ts'

/**
 * The life of a load, as pure steps over its stored state.
 *
 * ```text
 *   beginLoad ──▶ awaiting ──start of a snapshot──▶ rows ──its end──▶ settling ──a commit at or after untilLsn──▶ whole
 *                    ▲                               │ ▲                 │
 *                    │                   start again └─┘                 │ tables that are not whole
 *                    └────────── next round ◀──── aborted ◀──────────────┘
 * ```
 */
export type SnapshotNotice = LogEvent & { readonly kind: 'snapshot' }

export function beginLoad(load: Pick<LoadState, 'id' | 'from' | 'into' | 'tables'>): LoadState {
  return {
    ...load,
    phase: 'awaiting',
    covered: [],
    untilLsn: null,
    untilMs: null,
    round: 1,
    again: [],
    clear: [],
  }
}

/** Another round, by an incremental snapshot of `tables`. Transactions are applied all the while. */
export function nextRound(load: LoadState, id: string, tables: readonly string[]): LoadState {
  return {
    ...load,
    id,
    tables,
    from: 'signal',
    phase: 'awaiting',
    covered: [],
    round: load.round + 1,
  }
}

/** Before the first snapshot of a load by signal starts, nothing in the log concerns it: rows read later show it all. */
export function skipsTransactions(load: LoadState): boolean {
  return load.phase === 'awaiting' && load.round === 1
}

/**
 * Whether a row of a snapshot belongs to this load. After a table's incremental scan its rows say nothing new, and may be older. In an
 * initial snapshot the last row follows the notice of its scan: Debezium holds each row back to mark the last one.
 */
export function takesRow(load: LoadState, table: string): boolean {
  const over = load.from === 'signal' && load.covered.includes(table)
  return load.phase === 'rows' && load.tables.includes(table) && !over
}

/**
 * A TRUNCATE at the source while a snapshot is read: rows that the snapshot read before it may still come after it in the log. The
 * table is emptied and read once more, unless its scan is over.
 */
export function afterTruncate(load: LoadState, table: string): LoadState {
  const scanning = load.from === 'signal' && takesRow(load, table)
  if (!scanning || load.clear.includes(table)) return load
  return { ...load, clear: [...load.clear, table] }
}

/**
 * What a notice of an incremental snapshot makes of a load by signal. Ids are no safe guide: Debezium adds what is asked for while a
 * snapshot runs to that one, without a start of its own and under the newer id. So a start counts that names the load or all
 * of its tables, the scan of a table counts once it was seen from its start on, and the end of any snapshot is the end of ours.
 *
 * - `start`: the rows of `load.tables` follow; tables in `clear` are to be emptied now.
 * - `ask`: the snapshot asked for may have been swallowed or refused; ask again.
 * - `wait`: another snapshot is under way; asking again now would only make it longer.
 * - `round`: the snapshot ended without all tables; another round is needed.
 */
export function onIncremental(
  load: LoadState,
  notice: SnapshotNotice,
): { readonly load: LoadState; readonly demand?: 'start' | 'ask' | 'wait' | 'round' } {
  const ours = notice.id === load.id || load.tables.every((table) => notice.tables.includes(table))
  if (notice.status === 'started' && load.phase !== 'settling') {
    return ours ? { load: { ...load, phase: 'rows', covered: [] }, demand: 'start' } : { load, demand: 'wait' }
  }
  if (load.phase === 'awaiting') {
    const over = notice.status === 'completed' || notice.status === 'aborted'
    return { load, demand: over ? 'ask' : 'wait' }
  }
  if (load.phase === 'settling') return { load }
  switch (notice.status) {
    case 'table-done':
      return { load: cover(load, notice.tables) }
    case 'completed':
      return { load: settle(load, notice) }
    case 'aborted':
      return uncovered(load).length === 0 ? { load: settle(load, notice) } : { load, demand: 'round' }
    default:
      return { load }
  }
}

/** What a notice of the initial snapshot, its start excepted, makes of a load from the log's beginning. */
export function onInitial(load: LoadState, notice: SnapshotNotice): LoadState {
  if (load.phase !== 'rows') return load
  if (notice.status === 'table-done') return cover(load, notice.tables)
  return notice.status === 'completed' ? settle(load, notice) : load
}

/** Whether a commit comes late enough for what a completed load showed. */
export function settles(load: LoadState, lsn: bigint, commitTimeMs: number, skewMs: number): boolean {
  if (load.phase !== 'settling' || (load.untilLsn !== null && lsn < load.untilLsn)) return false
  return load.untilMs === null || commitTimeMs > load.untilMs + skewMs
}

/** Tables of the load whose scan was not seen from start to end. */
export function uncovered(load: LoadState): readonly string[] {
  return load.tables.filter((table) => !load.covered.includes(table))
}

function settle(load: LoadState, { timeMs }: SnapshotNotice): LoadState {
  return { ...load, phase: 'settling', untilMs: timeMs }
}

function cover(load: LoadState, tables: readonly string[]): LoadState {
  const fresh = tables.filter((table) => load.tables.includes(table) && !load.covered.includes(table))
  return fresh.length === 0 ? load : { ...load, covered: [...load.covered, ...fresh] }
}
