import type { ColumnValue, Decimal, Scalar } from '../../contract/values.ts'

type Plain = Exclude<ColumnValue, undefined | symbol>

/** The text Postgres reads a value from. Arrays become array literals. */
export function valueText(value: Exclude<Plain, null>): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return numberText(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) {
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  }
  if (Array.isArray(value)) return arrayLiteral(value as readonly (Scalar | null)[])
  return (value as Decimal).toFixed()
}

/** One array literal of many values: how a whole column of a chunk travels as one parameter. */
export function arrayLiteral(values: Iterable<Plain>): string {
  let out = '{'
  let first = true
  for (const value of values) {
    if (first) first = false
    else out += ','
    if (value === null) out += 'NULL'
    else if (typeof value === 'number') out += numberText(value)
    else if (typeof value === 'bigint' || typeof value === 'boolean') out += String(value)
    else out += quoteElement(valueText(value))
  }
  return `${out}}`
}

const special = /["\\]/

function quoteElement(text: string): string {
  return special.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

/** JavaScript writes a negative zero without its sign. */
function numberText(value: number): string {
  return value === 0 && Object.is(value, -0) ? '-0' : String(value)
}
