import type { ColumnType, ScalarType } from './table.ts'
import { pgTemporal } from './temporal.ts'
import type { ColumnValue, Decimal, Scalar, Unchanged } from './values.ts'

/** A value that has a text: neither unchanged nor absent. */
export type TextableValue = Exclude<ColumnValue, Unchanged | undefined>

/** The text from which Postgres makes exactly `value` in a column of `type`; null for null. */
export function toPgText(value: TextableValue, type: ColumnType): string | null {
  if (value === null) return null
  return type.array ? arrayText(value as readonly (Scalar | null)[], type.name) : scalarText(value as Scalar, type.name)
}

/**
 * A Postgres array literal of texts, null where an item is null. Nested by giving it texts that are array literals and
 * `quote` false.
 */
export function arrayLiteral(items: readonly (string | null)[], quote = true): string {
  if (items.length === 0) return '{}'
  let literal = '{'
  for (let index = 0; index < items.length; index++) {
    if (index > 0) literal += ','
    const item = items[index]
    if (item === null || item === undefined) literal += 'NULL'
    else literal += quote ? arrayItem(item) : item
  }
  return `${literal}}`
}

/** One item of an array literal, quoted only where it must be. */
function arrayItem(text: string): string {
  let quote = text.length === 0
  let escaped = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    // Punctuation of array literals, and every space Postgres would trim or split at.
    if (code === quoteMark || code === backslash) {
      escaped = true
      break
    }
    if (code === comma || code === open || code === close || code <= space) quote = true
  }
  if (escaped) return `"${text.replace(/["\\]/g, '\\$&')}"`
  return quote || isNullWord(text) ? `"${text}"` : text
}

function isNullWord(text: string): boolean {
  return text.length === 4 && text.toUpperCase() === 'NULL'
}

function arrayText(values: readonly (Scalar | null)[], type: ScalarType): string {
  if (values.length === 0) return '{}'
  const quote = needsQuotes(type)
  return arrayLiteral(
    values.map((value) => {
      if (value === null) return null
      const text = scalarText(value, type)
      return quote ? arrayItem(text) : text
    }),
    false,
  )
}

/** False for types whose text never holds a character that array literals give a meaning. */
function needsQuotes(type: ScalarType): boolean {
  return !plainTypes.has(type)
}

const plainTypes: ReadonlySet<ScalarType> = new Set([
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'time',
  'uuid',
])

function scalarText(value: Scalar, type: ScalarType): string {
  switch (typeof value) {
    case 'string':
      return type === 'date' || type === 'timestamp' || type === 'timestamptz' ? pgTemporal(value) : value
    case 'number':
      // Every float4 is a float8 whose shortest text falls back onto it.
      return value === 0 && Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 't' : 'f'
    default:
      return value instanceof Uint8Array ? `\\x${hex(value)}` : decimalText(value)
  }
}

function decimalText(value: Decimal): string {
  return value.isFinite() ? value.toFixed() : String(value)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

const [quoteMark, comma, backslash, open, close, space] = [0x22, 0x2c, 0x5c, 0x7b, 0x7d, 0x20]
