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

/**
 * A load under way. Kept in the position, so that a new owner goes on where the last one was. While there is one, the targets stay
 * as they were (`staging`) or must not be read (`target`), and `Position.mappings` already says what is being loaded.
 */
export interface LoadState {
  /** Unique id; the signal carries it and the notices repeat it. */
  readonly id: string
  /** From the initial snapshot at the log's beginning, or by an incremental snapshot asked for with a signal. */
  readonly from: 'beginning' | 'signal'
  /** Where the rows go: straight into empty targets, or into staging, merged at the end in one transaction. */
  readonly into: 'target' | 'staging'
  /** `awaiting`: the snapshot's start has not been seen; `rows`: between start and completion; `settling`: completed, a boundary is awaited. */
  readonly phase: 'awaiting' | 'rows' | 'settling'
  /** Source tables the snapshot of this round is to bring, `schema.table`. */
  readonly tables: readonly string[]
  /** Those of `tables` whose scan was reported done in this round. */
  readonly covered: readonly string[]
  /** The loaded state is whole only from this LSN on: the highest a snapshot row carried. */
  readonly untilLsn: bigint | null
  /**
   * And only from a commit later than this by the source's clock: when the snapshot was over. A snapshot reads ahead of the log, a table
   * or a chunk at a time, and the first attempt at an initial one, which shows one moment, cannot be told from the others.
   */
  readonly untilMs: number | null
  /** Counts from 1. A further round reads tables once more of which an earlier one missed rows. */
  readonly round: number
  /** Tables that need another round: a partial image came for a row that is not there and no whole one followed, or they were truncated. */
  readonly again: readonly string[]
  /** Those of `again` to be emptied when the next round starts: a snapshot's rows may have come after their TRUNCATE. */
  readonly clear: readonly string[]
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
   * Committed records from exactly `from` on, pulled: nothing more than one batch is fetched ahead of what the loop takes. Yields a batch,
   * empty if need be, also when it first finds itself at the end, so that a reader knows. Throws `LOG_SHORTER` when `from` is outside
   * the log: there is no default offset. Ends when `signal` aborts. One reading at a time: a new `read` ends the one before it.
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

/**
 * One change as the sink takes it. `table` indexes the sync's targets; values are in target column order.
 *
 * Of a value, `unchanged` means: the sink has it, leave it; `undefined`: the log does not carry this column, leave it in a row that is
 * there, NULL or the default in a new one. An upsert with an `unchanged` value is *partial*: it updates the row that is there, and
 * cannot insert one.
 */
export type SinkChange =
  | { readonly op: 'upsert'; readonly table: number; readonly values: readonly ColumnValue[] }
  /** Of `values` only the key columns are set. */
  | { readonly op: 'delete'; readonly table: number; readonly values: readonly ColumnValue[] }
  | { readonly op: 'truncate'; readonly table: number }
  /**
   * A key change that left other columns `unchanged`: the row with the key of `from` (only key columns set) gets `values`, its unchanged
   * ones kept. Only ever alone in an `inOrder` call. Other key changes are a delete and a whole upsert.
   */
  | {
      readonly op: 'move'
      readonly table: number
      readonly from: readonly ColumnValue[]
      readonly values: readonly ColumnValue[]
    }

/** A downstream store that applies changes together with a position. */
export interface SyncSink {
  /**
   * Becomes the owner: raises the epoch, which fences every earlier owner, and returns the position left by the last. Waits until a
   * transaction of an earlier owner, this one's own included, that is still open or committing has ended either way: this is how
   * a commit without an answer is settled. Bounded: an abandoned connection's transaction must be ended by the server (timeouts).
   */
  takeOver(): Promise<{ readonly epoch: bigint; readonly position: Position | null }>
  /** Opens a transaction that is void unless `epoch` is still the current one. Throws `FENCED`. */
  begin(epoch: bigint): Promise<SinkTransaction>
  /**
   * True when a load may go straight into the targets: none of them holds a row, and none has a constraint besides its key
   * (foreign keys, unique, checks across rows) that rows loaded in any order could break on the way.
   */
  targetsEmpty(): Promise<boolean>
  /** The position as stored now, without waiting for anyone. For status; never settles an unknown commit. */
  position(): Promise<{ readonly epoch: bigint; readonly position: Position | null }>
  close(): Promise<void>
}

/** What became of an `apply`. */
export interface Applied {
  /**
   * The partial upserts and the moves of the call whose row was not there; they had no effect. Not those that an earlier whole image of
   * the same row in the same call completes, nor, of a `together` call, those that a later whole image or delete of the row makes void.
   * Usually empty. During a load it is expected, otherwise it is drift and the sync stops.
   */
  readonly missing: readonly SinkChange[]
}

/**
 * Everything until `commit` takes effect at once or not at all.
 *
 * Errors: a constraint violation is `SINK_CONSTRAINT` (not retriable, names table, constraint and row), from `apply`, `mergeStaging`
 * or, where it is checked last, `commit`; a lost connection, shutdown, serialization failure or deadlock is retriable. After any
 * error only `rollback` may be called.
 */
export interface SinkTransaction {
  /**
   * `together`: a group whose inner order may be lost: last image per key (a partial one merged over the image before it), set-based,
   * deletes children first, upserts parents first; a truncate takes effect before what follows it. `inOrder`: one by one, as the
   * source did it. `into` staging writes to the staging copies of the targets, which have the same keys and no other constraints.
   */
  apply(changes: readonly SinkChange[], how: 'together' | 'inOrder', into: 'target' | 'staging'): Promise<Applied>
  /** Empties the targets or makes staging anew. */
  clear(into: 'target' | 'staging'): Promise<void>
  /** Makes the targets equal to staging, deletes included, and drops staging. */
  mergeStaging(): Promise<void>
  /**
   * Stores the position and commits. Throws `COMMIT_UNKNOWN` when the connection broke before an answer came; any other error means
   * that nothing was committed.
   */
  commit(position: Position): Promise<void>
  /** Never rejects: when the connection is gone the server rolls back by itself. */
  rollback(): Promise<void>
}

/** Time and chance come from here, so that a test owns them. */
export interface Clock {
  nowMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  random(): number
}
