import { type ColumnType, type ScalarType, scalarTypes } from './table.ts'

/** A column's type as Postgres' catalog tells it. */
export interface CatalogType {
  /** `pg_type.typname` and its schema; of the element where the type is an array. */
  readonly schema: string
  readonly name: string
  /** `pg_type.typtype` of that type: `b` base, `e` enum, `d` domain, `c` composite, `r` range, `m` multirange, `p` pseudo. */
  readonly kind: string
  readonly array: boolean
  /** `pg_attribute.attndims`: how many dimensions were declared. Postgres does not enforce it. */
  readonly dimensions: number
  /** `pg_attribute.atttypmod`: -1 when nothing was given. */
  readonly modifier: number
  /** `format_type()`: how Postgres itself spells the type. */
  readonly spelling: string
  readonly labels: readonly string[] | null
}

const supported: ReadonlySet<string> = new Set<ScalarType>(scalarTypes.filter((name) => name !== 'enum'))
const headerBytes = 4

/** The contract's type of a column, or in words why there is none. */
export function columnType(type: CatalogType): ColumnType | { readonly refused: string } {
  const { array } = type
  if (array && type.dimensions > 1) return refuse(type, 'arrays of more than one dimension are not covered')
  if (type.kind === 'd') return refuse(type, 'it is a domain; domains are not covered')
  if (type.kind === 'e') {
    return { name: 'enum', array, enum: { schema: type.schema, name: type.name, values: type.labels ?? [] } }
  }
  if (type.kind !== 'b' || type.schema !== 'pg_catalog' || !supported.has(type.name)) {
    return refuse(type, 'this type is not covered')
  }
  const name = type.name as ScalarType
  if (name === 'interval' && array) return refuse(type, 'Debezium leaves columns of this type out of its records')
  if (name === 'time' && array) return refuse(type, 'Debezium cuts times in arrays to milliseconds')
  const { modifier } = type
  if (modifier < 0) return { name, array }
  switch (name) {
    case 'numeric':
      return { name, array, ...numericModifier(modifier) }
    case 'varchar':
    case 'bpchar':
      return { name, array, length: modifier - headerBytes }
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { name, array, precision: modifier }
    case 'interval': {
      // The low half is the precision, the high half which fields are kept; all ones means full precision.
      const precision = modifier & 0xffff
      return precision === 0xffff ? { name, array } : { name, array, precision }
    }
    default:
      return { name, array }
  }
}

/** The type as SQL spells it: `numeric(12,2)[]`, `"public"."order_status"`. Identifiers are quoted. */
export function sqlType(type: ColumnType): string {
  const suffix = type.array ? '[]' : ''
  const { name, precision, scale, length } = type
  if (type.enum !== undefined) return `${quoted(type.enum.schema)}.${quoted(type.enum.name)}${suffix}`
  if (name === 'numeric' && precision !== undefined) return `numeric(${precision},${scale ?? 0})${suffix}`
  if (name === 'timestamptz' && precision !== undefined) return `timestamp(${precision}) with time zone${suffix}`
  if (precision !== undefined) return `${name}(${precision})${suffix}`
  if (length !== undefined) return `${name}(${length})${suffix}`
  return `${name}${suffix}`
}

/** True when the two are the same type, enum labels in the same order included. */
export function sameType(one: ColumnType, other: ColumnType): boolean {
  return (
    sqlType(one) === sqlType(other) && (one.enum?.values ?? []).join('\n') === (other.enum?.values ?? []).join('\n')
  )
}

function numericModifier(modifier: number): { precision: number; scale: number } {
  const bits = modifier - headerBytes
  // The scale is an 11-bit signed number: it can be negative and can exceed the precision.
  return { precision: (bits >> 16) & 0xffff, scale: ((bits & 0x7ff) ^ 0x400) - 0x400 }
}

function refuse(type: CatalogType, why: string): { refused: string } {
  return { refused: `${type.spelling}: ${why}` }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
