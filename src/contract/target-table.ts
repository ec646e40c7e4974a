import type { ColumnType, ForeignKey } from './table.ts'

/** One table that a sync keeps in step, as it must be in the sink. */
export interface TargetTable {
  readonly schema: string
  readonly table: string
  /** The columns the sync writes, in the order of a change's values. The target may have further ones. */
  readonly columns: readonly TargetColumn[]
  /** Names of the key's columns, in its order. Never empty. */
  readonly key: readonly string[]
  /** Foreign keys among the targets of the same sync whose referenced rows are all there, in the targets' names. */
  readonly foreignKeys: readonly ForeignKey[]
  /** Unique constraints besides the key whose columns are all written: lists of column names. */
  readonly uniques: readonly (readonly string[])[]
}

export interface TargetColumn {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
}
