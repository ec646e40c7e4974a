import { createHash } from 'node:crypto'
import { type TableContract, tableName } from '../contract/table.ts'
import type { TargetTable } from '../contract/target-table.ts'
import type { TableSyncOptions } from './table-options.ts'

/**
 * Names what a mapping makes of a table: equal hashes, equal target rows. Closures over other values do not show in a function's
 * text; a change of those needs a load that a person asks for.
 */
export function mappingHash(contract: TableContract, target: TargetTable, options: TableSyncOptions): string {
  const mapped = new Set(target.columns.map((column) => column.name))
  const functions = options.where !== undefined || options.row !== undefined
  const meaning = {
    source: `${contract.source}/${tableName(contract)}`,
    sourceColumns: contract.columns
      .filter((column) => functions || mapped.has(column.name))
      .map(({ name, type }) => [name, type.name, type.array, type.enum?.values ?? null]),
    key: contract.key,
    target: tableName(target),
    targetColumns: target.columns.map(({ name, type }) => [name, type.name, type.array]),
    where: options.where?.toString() ?? null,
    row: options.row?.toString() ?? null,
  }
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex').slice(0, 32)
}
