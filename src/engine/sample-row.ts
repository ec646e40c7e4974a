import type { ColumnType, TableContract } from '../contract/table.ts'
import { type ColumnValue, Decimal, type Scalar } from '../contract/values.ts'

/** Images to try `where` and `row` on: one with a value in every column, one with NULL wherever the column allows it. */
export function sampleRows(contract: TableContract): readonly (readonly ColumnValue[])[] {
  const filled = contract.columns.map((column) => sample(column.type))
  const sparse = contract.columns.map((column, index) =>
    column.nullable && !contract.key.includes(column.name) ? null : filled[index],
  )
  return [filled, sparse]
}

function sample(type: ColumnType): ColumnValue {
  const value = scalar(type)
  return type.array ? [value] : value
}

function scalar(type: ColumnType): Scalar {
  switch (type.name) {
    case 'bool':
      return true
    case 'int2':
    case 'int4':
    case 'float4':
    case 'float8':
      return 1
    case 'int8':
      return 1n
    case 'numeric':
      return new Decimal(1)
    case 'bytea':
      return new Uint8Array([1])
    case 'date':
      return '2024-02-29'
    case 'time':
      return '12:34:56.789012'
    case 'timestamp':
      return '2024-02-29T12:34:56.789012'
    case 'timestamptz':
      return '2024-02-29T12:34:56.789012Z'
    case 'interval':
      return 'P1DT2H3M4.5S'
    case 'uuid':
      return '00000000-0000-4000-8000-000000000001'
    case 'json':
    case 'jsonb':
      return '{}'
    case 'enum':
      return type.enum?.values[0] ?? 'a'
    default:
      return 'a'
  }
}
