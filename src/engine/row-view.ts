import { type TableContract, tableName } from '../contract/table.ts'
import type { ColumnValue } from '../contract/values.ts'
import { fault } from '../errors.ts'

/** A row as user functions get it: every column that each change carries is a property. */
export type RowObject = Readonly<Record<string, ColumnValue>>

/**
 * Builds row objects from images of `contract`. Columns that an update may leave out are not own properties, so that spreading a
 * row never copies them; reading one throws `UNCHANGED_READ` naming `reader`.
 */
export function rowView(contract: TableContract, reader: string): (row: readonly ColumnValue[]) => RowObject {
  const names: string[] = []
  const indexes: number[] = []
  const prototype: object = {}
  contract.columns.forEach((column, index) => {
    if (column.unchangeable) {
      Object.defineProperty(prototype, column.name, {
        enumerable: false,
        get() {
          throw fault('UNCHANGED_READ', { function: reader, table: tableName(contract), column: column.name })
        },
      })
    } else {
      names.push(column.name)
      indexes.push(index)
    }
  })
  // A constructor, because its objects share one layout from the first property on.
  const Row = function Row() {} as unknown as new () => Record<string, ColumnValue>
  Row.prototype = prototype

  return (row) => {
    const view = new Row()
    for (let i = 0; i < names.length; i++) view[names[i]!] = row[indexes[i]!] ?? null
    return view
  }
}
