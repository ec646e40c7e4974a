/**
 * The contract of one source table: its row, its key, and what the source can say about a change of it. Read from the live
 * database by `millrace types`, kept in `schemas/<source>/<schema>.<table>.avsc`.
 */
export interface TableContract {
  /** The source's name: the connector file's path. */
  readonly source: string
  readonly schema: string
  readonly table: string
  /** Column names of the primary key, in its order. Never empty. */
  readonly key: readonly string[]
  /** Every captured column, in table order. */
  readonly columns: readonly ColumnContract[]
  readonly replicaIdentity: 'default' | 'full'
  /** Foreign keys of the table, also to tables that nobody captures. */
  readonly foreignKeys: readonly ForeignKey[]
  /** Unique constraints besides the primary key: lists of column names. */
  readonly uniques: readonly (readonly string[])[]
}

export interface ColumnContract {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  /** True when an update can arrive without this column's value: TOASTable storage and REPLICA IDENTITY DEFAULT. */
  readonly unchangeable: boolean
}

export interface ForeignKey {
  readonly name: string
  readonly columns: readonly string[]
  readonly references: { readonly schema: string; readonly table: string; readonly columns: readonly string[] }
}

export const scalarTypes = [
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'text',
  'varchar',
  'bpchar',
  'bytea',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'uuid',
  'json',
  'jsonb',
  'enum',
] as const
export type ScalarType = (typeof scalarTypes)[number]

/** A Postgres type as far as the first contracts go. */
export interface ColumnType {
  readonly name: ScalarType
  /** One-dimensional array of that type. */
  readonly array: boolean
  /** numeric(precision, scale), time(precision) and its like; absent where the type was given none. */
  readonly precision?: number
  readonly scale?: number
  /** varchar(length), char(length). */
  readonly length?: number
  /** Schema-qualified name and labels of an enum, labels in its order. */
  readonly enum?: { readonly schema: string; readonly name: string; readonly values: readonly string[] }
}

/** `public.orders`: how plans, logs and errors name a table. */
export function tableName(table: { readonly schema: string; readonly table: string }): string {
  return `${table.schema}.${table.table}`
}
