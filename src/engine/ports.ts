import type { LogRecord, SourceIdentity } from '../contract/log-event.ts'
import type { ColumnValue } from '../contract/values.ts'

/**
 * What has been applied, stored in the sink with the effects.
 *
 * `appliedLsn` null means: rows are being loaded, do not read.
 */
export interface Position {
  /** Offset of the first log record whose effects are not in the sink. */
  readonly nextOffset: bigint
  readonly appliedLsn: bigint | null
  /** Source commit time of `appliedLsn`, milliseconds since 1970. */
  readonly commitTimeMs: number | null
  readonly identity: SourceIdentity | null
  readonly load: LoadState | null
  /** Mapping hash per target table, `schema.table` of the target. */
  readonly mappings: Readonly<Record<string, string>>
}

/** A load under way. Kept in the position, so that a new owner goes on where the last one was. */
export interface LoadState {
  /** Unique id; the signal carries it and the notices repeat it. */
  readonly id: string
  /** From the initial snapshot at the log's beginning, or by an incremental snapshot asked for with a signal. */
  readonly from: 'beginning' | 'signal'
  /** Where the rows go: straight into empty targets, or into staging, merged at the end in one transaction. */
  readonly into: 'target' | 'staging'
  /** `awaiting`: the snapshot's start has not been seen; `rows`: between start and completion; `settling`: completed, a boundary is awaited. */
  readonly phase: 'awaiting' | 'rows' | 'settling'
  /** Source tables, `schema.table`. */
  readonly tables: readonly string[]
  /** The loaded state is whole only from this LSN on: the highest a snapshot row carried. */
  readonly untilLsn: bigint | null
}

export interface LogBatch {
  /** In offset order; may be empty when only control records were passed. */
  readonly records: readonly LogRecord[]
  /** Offset to read from after this batch; past control records. */
  readonly nextOffset: bigint
  /** First offset not yet readable (last stable offset): equal to `nextOffset` when drained. */
  readonly endOffset: bigint
}

/**
 * One sync's ownership of its log. At most one live tenure per sync that believes itself owner is useful; the sink's epoch, not
 * this, is what makes a second one harmless.
 */
export interface Tenure {
  /** Aborted when ownership is lost or the worker drains. */
  readonly signal: AbortSignal
  /** Offsets that exist: `first` readable, `next` not written yet. */
  range(): Promise<{ readonly first: bigint; readonly next: bigint }>
  /**
   * Committed records from exactly `from` on, pulled: nothing more than one batch is fetched ahead of what the loop takes. Throws
   * `LOG_SHORTER` when `from` is outside the log: there is no default offset. Ends when `signal` aborts.
   */
  read(from: bigint): AsyncIterable<LogBatch>
}

/** The log of one source, as a sync meets it. */
export interface LogPort {
  /** Stands by for `group` and yields a tenure each time this member becomes owner. Ends when `signal` aborts. */
  tenures(group: string, signal: AbortSignal): AsyncIterable<Tenure>
}

/** Asks the source for an incremental snapshot. Sending the same id again is harmless. */
export interface LoadSignals {
  request(load: { readonly id: string; readonly tables: readonly string[] }): Promise<void>
}

/** One change as the sink takes it. `table` indexes the sync's mappings; values are in target column order. */
export type SinkChange =
  | { readonly op: 'upsert'; readonly table: number; readonly values: readonly ColumnValue[] }
  /** Of `values` only the key columns are set. */
  | { readonly op: 'delete'; readonly table: number; readonly values: readonly ColumnValue[] }
  | { readonly op: 'truncate'; readonly table: number }

/** A downstream store that applies changes together with a position. */
export interface SyncSink {
  /** Becomes the owner: raises the epoch, which fences every earlier owner, and returns the position left by the last. */
  takeOver(): Promise<{ readonly epoch: bigint; readonly position: Position | null }>
  /** Opens a transaction that is void unless `epoch` is still the current one. Throws `FENCED`. */
  begin(epoch: bigint): Promise<SinkTransaction>
  /** True when none of the targets holds a row: a load may go straight into them. */
  targetsEmpty(): Promise<boolean>
  /** The position as stored now; settles a commit that got no answer. */
  position(): Promise<{ readonly epoch: bigint; readonly position: Position | null }>
  close(): Promise<void>
}

/**
 * Everything until `commit` takes effect at once or not at all.
 *
 * Errors: a constraint violation is `SINK_CONSTRAINT` (not retriable, names table, constraint and row); a lost connection, shutdown,
 * serialization failure or deadlock is retriable. After any error only `rollback` may be called.
 */
export interface SinkTransaction {
  /**
   * `together`: a group whose inner order may be lost: last image per key, set-based, deletes children first, upserts parents
   * first. `inOrder`: one by one, as the source did it.
   * `into` staging writes to the staging copies of the targets.
   */
  apply(changes: readonly SinkChange[], how: 'together' | 'inOrder', into: 'target' | 'staging'): Promise<void>
  /** Empties the targets or makes staging anew. */
  clear(into: 'target' | 'staging'): Promise<void>
  /** Makes the targets equal to staging, deletes included, and drops staging. */
  mergeStaging(): Promise<void>
  /** Stores the position and commits. Throws `COMMIT_UNKNOWN` when the connection broke before an answer came. */
  commit(position: Position): Promise<void>
  rollback(): Promise<void>
}

/** Time and chance come from here, so that a test owns them. */
export interface Clock {
  nowMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  random(): number
}
