import { type ForeignKey, type TableContract, tableName } from '../contract/table.ts'
import type { TargetColumn } from '../contract/target-table.ts'
import type { TableSyncOptions } from './table-options.ts'

interface Draft {
  readonly contract: TableContract
  readonly options: TableSyncOptions
  readonly target: { readonly schema: string; readonly table: string; readonly columns: readonly TargetColumn[] }
}

/** The foreign keys that hold in the target whenever they hold in the source: nothing filtered or computed on either side. */
export function targetForeignKeys(child: Draft, all: readonly Draft[]): readonly ForeignKey[] {
  if (child.options.foreignKeys === 'omit') return []
  return child.contract.foreignKeys.flatMap((foreignKey) => {
    const parent = all.find(
      ({ contract, options }) =>
        tableName(contract) === tableName(foreignKey.references) && options.where === undefined,
    )
    if (!parent || !copies(child, foreignKey.columns) || !copies(parent, foreignKey.references.columns)) return []
    const { schema, table } = parent.target
    return [{ ...foreignKey, references: { schema, table, columns: foreignKey.references.columns } }]
  })
}

/** The unique constraints that hold in the target whenever they hold in the source. */
export function targetUniques(draft: Draft): readonly (readonly string[])[] {
  return draft.contract.uniques.filter((columns) => copies(draft, columns))
}

/** True when these columns reach the target with the values they have. A `row` is bound to keep only the key's. */
function copies({ contract, options, target }: Draft, columns: readonly string[]): boolean {
  if (options.row !== undefined) return columns.every((column) => contract.key.includes(column))
  return columns.every((name) => target.columns.some((column) => column.name === name))
}
