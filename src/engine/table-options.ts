import type { ScalarType } from '../contract/table.ts'
import type { RowObject } from './row-view.ts'

/** A table's entry of a sync declaration as the engine meets it: the types of its rows are gone. */
export interface TableSyncOptions {
  readonly columns?: readonly string[]
  readonly where?: (row: RowObject) => unknown
  readonly row?: (row: RowObject) => unknown
  readonly types?: Readonly<Record<string, ScalarType>>
  readonly foreignKeys?: 'keep' | 'omit'
  readonly as?: string
}
