import { columnType, sqlType } from '../../contract/pg-type.ts'
import type { ColumnType, ScalarType } from '../../contract/table.ts'
import type { PresentColumn } from './target-catalog.ts'

/** Types that hold every value of another one, and give it back as it was. Itself always does. */
const wider: Readonly<Partial<Record<ScalarType, readonly ScalarType[]>>> = {
  int2: ['int4', 'int8', 'numeric'],
  int4: ['int8', 'numeric'],
  int8: ['numeric'],
  varchar: ['text'],
  bpchar: ['varchar', 'text'],
  json: ['text'],
  jsonb: ['json', 'text'],
  uuid: ['text', 'varchar'],
  enum: ['text', 'varchar'],
}

const digitsOf: Readonly<Partial<Record<ScalarType, number>>> = { int2: 5, int4: 10, int8: 19 }

/** Why a column of the sink cannot take every value of `wanted` unchanged; undefined when it can. */
export function typeProblem(wanted: ColumnType, column: PresentColumn): string | undefined {
  if (column.generated) return 'its value is generated'
  const found = columnType(column.domain ? { ...column.type, kind: 'b' } : column.type)
  if ('refused' in found) return 'this type is not covered'
  if (wanted.array !== found.array) return wanted.array ? 'it is no array' : 'it is an array'
  if (found.name !== wanted.name && !wider[wanted.name]?.includes(found.name)) return 'the types differ'
  if (found.name === 'enum') {
    const labels = new Set(found.enum?.values)
    const lacking = wanted.enum?.values.filter((label) => !labels.has(label)) ?? []
    return lacking.length === 0 ? undefined : `the enum lacks ${lacking.join(', ')}`
  }
  if (found.name === 'numeric') return numericProblem(wanted, found)
  if (found.length !== undefined) return lengthProblem(wanted, found)
  if (found.precision !== undefined && (wanted.precision ?? 6) > found.precision) {
    return `it keeps ${found.precision} digits of a second`
  }
  return undefined
}

/** What a column of this type is called where it stands now. */
export function presentType(column: PresentColumn): string {
  return column.type.spelling
}

/** SQL of the type in a table that millrace makes; enums live in the target's schema. */
export function createdType(type: ColumnType, enumName: string | undefined): string {
  if (enumName === undefined) return sqlType(type)
  return `${enumName}${type.array ? '[]' : ''}`
}

function numericProblem(wanted: ColumnType, found: ColumnType): string | undefined {
  if (found.precision === undefined) return undefined
  const integers = digitsOf[wanted.name]
  if (integers === undefined && wanted.precision === undefined) return `it keeps ${found.precision} digits only`
  const scale = wanted.scale ?? 0
  const before = (integers ?? wanted.precision ?? 0) - scale
  const foundScale = found.scale ?? 0
  if (foundScale < scale) return `it keeps ${foundScale} digits after the point`
  if (found.precision - foundScale < before) return `it keeps ${found.precision - foundScale} digits before the point`
  return undefined
}

function lengthProblem(wanted: ColumnType, found: ColumnType): string | undefined {
  const longest =
    wanted.name === 'enum'
      ? Math.max(0, ...(wanted.enum?.values.map((label) => [...label].length) ?? []))
      : wanted.name === 'uuid'
        ? 36
        : wanted.length
  if (found.name === 'bpchar') return wanted.length === found.length ? undefined : 'it pads to another length'
  if (longest === undefined || longest > found.length!) return `it keeps ${found.length} characters only`
  return undefined
}
