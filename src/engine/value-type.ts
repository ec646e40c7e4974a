import type { ColumnType, ScalarType } from '../contract/table.ts'
import { type ColumnValue, Decimal } from '../contract/values.ts'

/** The Postgres type that a value tells by itself; undefined for NULL, an empty array, and what is no column value at all. */
export function typeOfValue(value: unknown): ColumnType | undefined {
  if (Array.isArray(value)) {
    const first: unknown = value.find((element) => element !== null)
    const element = Array.isArray(first) ? undefined : typeOfValue(first)
    return element && { ...element, array: true }
  }
  const name = scalarType(value)
  return name && { name, array: false }
}

/** True when a value of a user function can be written to a column of that type. */
export function fitsType(value: ColumnValue, type: ColumnType): boolean {
  if (value === null || value === undefined) return true
  if (type.array)
    return Array.isArray(value) && value.every((element) => element === null || fitsScalar(element, type.name))
  return fitsScalar(value, type.name)
}

/** What a person calls the value in a message. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise'
  if (Decimal.isDecimal(value)) return 'a Decimal'
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'plain'} object` : `a ${typeof value}`
}

function scalarType(value: unknown): ScalarType | undefined {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int8'
    case 'number':
      return 'float8'
    case 'string':
      return 'text'
    default:
      if (Decimal.isDecimal(value)) return 'numeric'
      return value instanceof Uint8Array ? 'bytea' : undefined
  }
}

function fitsScalar(value: unknown, type: ScalarType): boolean {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean'
    case 'bytea':
      return value instanceof Uint8Array
    case 'int2':
    case 'int4':
    case 'int8':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    case 'float4':
    case 'float8':
      return typeof value === 'number'
    case 'numeric':
      return Decimal.isDecimal(value) || typeof value === 'number' || typeof value === 'bigint'
    default:
      return typeof value === 'string'
  }
}
