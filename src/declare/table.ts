import type { TableContract } from '../contract/table.ts'
import type { Unchanged } from '../contract/values.ts'
import { declaration } from './brand.ts'

/**
 * A source table as declarations name it. Generated into `schemas/<source>.ts`; never written by hand.
 *
 * `Row` is every column; `Key` names the primary key; `Toast` names the columns whose value an update may leave out
 * (`T | Unchanged` in an image), which therefore cannot be read where whole rows are needed.
 */
export interface Table<Row extends object, Key extends keyof Row, Toast extends keyof Row = never> {
  readonly kind: 'table'
  readonly contract: TableContract
  /** Types only; never set. */
  readonly row?: Row
  readonly keyColumns?: Key
  readonly unchangeableColumns?: Toast
}

// biome-ignore lint/suspicious/noExplicitAny: the widest table, for constraints only
export type AnyTable = Table<any, any, any>

/** Every column of a table. */
export type RowOf<T extends AnyTable> = T extends Table<infer Row, infer _Key, infer _Toast> ? Row : never
/** The columns that every change carries: what `where` and `row` may read. */
export type ReadableRowOf<T extends AnyTable> =
  T extends Table<infer Row, infer _Key, infer Toast> ? Omit<Row, Toast> : never
export type KeyOf<T extends AnyTable> = T extends Table<infer _Row, infer Key, infer _Toast> ? Key : never

/** The columns an update may leave out. */
export type UnchangeableOf<T extends AnyTable> = T extends Table<infer _Row, infer _Key, infer Toast> ? Toast : never

/**
 * A row as a change carries it: what the decoder gives. `Unchanged` is possible in exactly the columns that Postgres can store
 * out of line while the table's replica identity is not FULL.
 */
export type Image<T extends AnyTable> =
  T extends Table<infer Row, infer _Key, infer Toast>
    ? { readonly [Name in keyof Row]: Name extends Toast ? Row[Name] | Unchanged : Row[Name] }
    : never

/** The handle of a table: its contract, with its row as a type. */
export function table<Row extends object, Key extends keyof Row, Toast extends keyof Row = never>(
  contract: TableContract,
): Table<Row, Key, Toast> {
  return declaration('table', { contract })
}
