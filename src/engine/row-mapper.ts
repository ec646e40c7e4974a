import type { TableContract } from '../contract/table.ts'
import type { TargetColumn } from '../contract/target-table.ts'
import { type ColumnValue, Decimal } from '../contract/values.ts'
import { fault } from '../errors.ts'
import { type RowObject, rowView } from './row-view.ts'
import type { TableSyncOptions } from './table-options.ts'
import { describeValue, fitsType } from './value-type.ts'

export interface RowMapper {
  map(row: readonly ColumnValue[]): readonly ColumnValue[] | null
  key(row: readonly ColumnValue[]): readonly ColumnValue[]
}

/** The two functions of a mapping that run for every change: plain loops over places, made once. */
export function rowMapper(
  sync: string,
  entry: string,
  contract: TableContract,
  columns: readonly TargetColumn[],
  options: TableSyncOptions,
): RowMapper {
  const places = columns.map((column) => contract.columns.findIndex(({ name }) => name === column.name))
  const keyPlaces = contract.key.map((key) => ({
    from: contract.columns.findIndex((column) => column.name === key),
    to: columns.findIndex((column) => column.name === key),
  }))
  const width = columns.length
  const key = (row: readonly ColumnValue[]): readonly ColumnValue[] => {
    const values = new Array<ColumnValue>(width).fill(undefined)
    for (const { from, to } of keyPlaces) values[to] = row[from]
    return values
  }
  const whole = width === contract.columns.length && places.every((place, index) => place === index)
  const copy = whole
    ? (row: readonly ColumnValue[]) => row
    : (row: readonly ColumnValue[]) => {
        const values = new Array<ColumnValue>(width)
        for (let i = 0; i < width; i++) values[i] = row[places[i]!]
        return values
      }
  const { where, row: compute } = options
  if (!where && !compute) return { map: copy, key }

  const known = new Set(columns.map((column) => column.name))
  const whereView = where && rowView(contract, 'where')
  const rowViewOf = compute && rowView(contract, 'row')
  const context = { sync, entry }

  function matches(row: readonly ColumnValue[]): boolean {
    const result = where!(whereView!(row))
    if (typeof result === 'boolean') return result
    const found = describeValue(result)
    throw fault('FUNCTION_RESULT', { ...context, function: 'where', found, wanted: 'true or false' })
  }

  function computed(row: readonly ColumnValue[]): ColumnValue[] {
    const result = compute!(rowViewOf!(row))
    if (typeof result !== 'object' || result === null || result instanceof Promise) {
      const found = describeValue(result)
      throw fault('FUNCTION_RESULT', { ...context, function: 'row', found, wanted: 'a row' })
    }
    for (const name in result) {
      if (known.has(name)) continue
      const found = `${name}, which it did not give for the sample rows,`
      throw fault('FUNCTION_RESULT', { ...context, function: 'row', found, wanted: 'the same columns for every row' })
    }
    const values = new Array<ColumnValue>(width)
    for (let i = 0; i < width; i++) {
      const column = columns[i]!
      const value = (result as RowObject)[column.name] ?? null
      if (!fitsType(value, column.type)) {
        const found = `${describeValue(value)} for ${column.name}`
        throw fault('FUNCTION_RESULT', { ...context, function: 'row', found, wanted: `a value of ${column.type.name}` })
      }
      values[i] = value
    }
    for (const { from, to } of keyPlaces) {
      if (sameKeyValue(values[to], row[from])) continue
      throw fault('ROW_KEY', { ...context, what: 'changes', column: columns[to]!.name })
    }
    return values
  }

  return {
    key,
    map(row) {
      if (where && !matches(row)) return null
      return compute ? computed(row) : copy(row)
    },
  }
}

/** Equality of key values: by value for decimals and bytes. */
export function sameKeyValue(a: ColumnValue, b: ColumnValue): boolean {
  if (a === b) return true
  if (Decimal.isDecimal(a) && Decimal.isDecimal(b)) return a.equals(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return false
}
