import type { TableContract } from './table.ts'
import type { ColumnValue } from './values.ts'

/** One record of a source's log as bytes. Offsets rise, with gaps. */
export interface LogRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** As the client gives them. Debezium marks the halves of a key update: `__debezium.newkey`, then `__debezium.oldkey`. */
  readonly headers?: LogHeaders
}

export type LogHeaders = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>

/** One row event. */
export interface Change {
  readonly table: TableContract
  /** `load` is a row of a snapshot: what the row was when it was read, inserted or not. */
  readonly op: 'insert' | 'update' | 'delete' | 'load'
  /**
   * Values in the order of `table.columns`; `undefined` where the record has no such column (the writer did not know it yet) or
   * the reader did not ask for it. Of a delete only the key columns are true, and only they are set.
   */
  readonly row: readonly ColumnValue[]
}

/** Which incarnation of a Postgres the log speaks of. */
export interface SourceIdentity {
  readonly systemIdentifier: string
  readonly timeline: number
}

/** What one log record means. `transaction` is the source's transaction id, null for events outside one. */
export type LogEvent =
  | { readonly kind: 'begin'; readonly transaction: string }
  | {
      readonly kind: 'end'
      readonly transaction: string
      /** LSN of the commit record: names the state after this transaction. */
      readonly lsn: bigint
      /** Row events of the transaction by `schema.table`, tables nobody reads included. */
      readonly counts: ReadonlyMap<string, number>
      /** When the source committed, milliseconds since 1970. */
      readonly commitTimeMs: number
    }
  | { readonly kind: 'change'; readonly transaction: string | null; readonly lsn: bigint; readonly change: Change }
  | { readonly kind: 'truncate'; readonly transaction: string | null; readonly table: TableContract }
  | { readonly kind: 'identity'; readonly transaction: string | null; readonly identity: SourceIdentity }
  | {
      readonly kind: 'snapshot'
      readonly scope: 'initial' | 'incremental'
      readonly status: 'started' | 'progress' | 'table-done' | 'completed' | 'aborted'
      /** The id given in the signal; for the initial snapshot what Debezium chose. */
      readonly id: string
      /** `schema.table` names the notice speaks of, when it does. */
      readonly tables: readonly string[]
      /** When the connector said so by its own clock, milliseconds since 1970. */
      readonly timeMs: number
    }

/** Turns log records into what they mean. Schemas are fetched ahead so that decoding is synchronous. */
export interface LogDecoder {
  /** Fetches the writer schemas among `records` that are not known yet. Rejects with a retriable error when the registry is away. */
  prepare(records: readonly LogRecord[]): Promise<void>
  /**
   * Undefined for records this reader does not read: other tables, tombstones, foreign messages.
   * Throws `RECORD_UNDECODABLE` naming offset and schema id; never a bare error.
   */
  decode(record: LogRecord): LogEvent | undefined
}
