import type { ScalarType } from '../contract/table.ts'
import { declaration } from './brand.ts'
import type { PostgresSink } from './postgres-sink.ts'
import type { AnyTable, KeyOf, ReadableRowOf, RowOf } from './table.ts'

/** How one table of a sync reaches its target. Without an entry a table is copied whole. */
export interface TableSync<T extends AnyTable, Out extends object = object> {
  /** Columns to copy, all keys among them. Default: all. Not together with `row`. */
  readonly columns?: readonly (keyof RowOf<T> & string)[]
  /** Which rows are in the target. About state: a row that stops matching is deleted there, one that starts is inserted whole. */
  readonly where?: (row: ReadableRowOf<T>) => boolean
  /** The target's row. Pure. Must keep the key's columns and their values. */
  readonly row?: (row: ReadableRowOf<T>) => Out & Pick<RowOf<T>, KeyOf<T>>
  /** Postgres types of columns that `row` adds, where the value does not say. */
  readonly types?: Readonly<Record<string, ScalarType>>
  /**
   * Foreign keys that point from this table to other tables of the sync, on a target made by `apply`. `keep` makes them,
   * deferrable; `omit` leaves them out, as it must be when `where` filters away rows that are pointed at. Default: keep.
   */
  readonly foreignKeys?: 'keep' | 'omit'
  /** Name of the target table. Default: the source's. */
  readonly as?: string
}

export interface SyncOptions<From extends Readonly<Record<string, AnyTable>>> {
  /** Tables of one source. */
  readonly from: From
  readonly to: PostgresSink
  readonly tables?: { readonly [Name in keyof From]?: TableSync<From[Name]> }
  /** What a TRUNCATE at the source does: empty the target in its place among the transactions, nothing, or stop. Default: apply. */
  readonly truncate?: 'apply' | 'ignore' | 'stop'
}

export type AnySync = Readonly<SyncOptions<Readonly<Record<string, AnyTable>>>> & { readonly kind: 'sync' }

/** Keeps tables of one source in step in another store, transaction by transaction. */
export function sync<const From extends Readonly<Record<string, AnyTable>>>(
  options: SyncOptions<From>,
): Readonly<SyncOptions<From>> & { readonly kind: 'sync' } {
  return declaration('sync', options)
}
