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

/** One array literal of the values at `place` of many rows: how a column of a chunk travels as one parameter. */
export function columnLiteral(rows: readonly { readonly values: readonly ColumnValue[] }[], place: number): string {
  let out = '{'
  for (let at = 0; at < rows.length; at++) {
    if (at > 0) out += ','
    out += element(rows[at]!.values[place] as Plain)
  }
  return `${out}}`
}

function arrayLiteral(values: readonly (Scalar | null)[]): string {
  return `{${values.map(element).join(',')}}`
}

function element(value: Plain): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return quoteElement(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value !== 'object') return String(value)
  return quoteElement(valueText(value))
}

const special = /["\\]/

function quoteElement(text: string): string {
  return special.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

/** JavaScript writes a negative zero without its sign. */
function numberText(value: number): string {
  return value === 0 && Object.is(value, -0) ? '-0' : String(value)
}
