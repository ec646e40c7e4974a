import type { TargetTable } from '../../contract/target-table.ts'
import type { ColumnValue } from '../../contract/values.ts'
import { valueText } from './literals.ts'

/** Tells rows of one table apart: equal exactly where Postgres holds two keys for equal. */
export type RowKey = (values: readonly ColumnValue[]) => string

/** Which places of a change's values are the key, in the key's order. */
export function keyPlaces(target: TargetTable): readonly number[] {
  return target.key.map((name) => target.columns.findIndex((column) => column.name === name))
}

export function rowKey(target: TargetTable): RowKey {
  const places = keyPlaces(target)
  const texts = places.map((place) => canonical(target.columns[place]!.type.name))
  if (places.length === 1) {
    const place = places[0]!
    const text = texts[0]!
    return (values) => text(values[place])
  }
  return (values) => {
    let key = ''
    for (let at = 0; at < places.length; at++) {
      const part = texts[at]!(values[places[at]!])
      key += `${part.length}:${part}`
    }
    return key
  }
}

/** The key as errors name the row: `id=5`, `order_id=5, line=2`. */
export function keyLabel(target: TargetTable, values: readonly ColumnValue[]): string {
  return keyPlaces(target)
    .map((place, at) => `${target.key[at]}=${plainText(values[place])}`)
    .join(', ')
}

function canonical(type: string): (value: ColumnValue) => string {
  switch (type) {
    case 'numeric':
      return (value) => trimmedDigits(plainText(value))
    case 'float4':
    case 'float8':
      return (value) => (value === 0 ? '0' : plainText(value))
    case 'bpchar':
      return (value) => plainText(value).replace(/ +$/, '')
    default:
      return plainText
  }
}

function plainText(value: ColumnValue): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined || typeof value === 'symbol') return ''
  return valueText(value as Exclude<ColumnValue, null | undefined | symbol>)
}

/** 1.50 and 1.5 are the same key. */
function trimmedDigits(digits: string): string {
  if (!digits.includes('.')) return digits === '-0' ? '0' : digits
  const trimmed = digits.replace(/\.?0+$/, '')
  return trimmed === '-0' ? '0' : trimmed
}
