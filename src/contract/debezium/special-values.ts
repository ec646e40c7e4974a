import { Malformed } from '../malformed.ts'
import { isoDate, isoInstant, isoTimestamp } from '../temporal.ts'

/**
 * Values that Postgres has and Debezium's encodings have not: it writes them as others, outside of what Postgres can hold, and
 * not the same ones in a snapshot as in the stream.
 */

/** Days since 1970 of a `date`. */
export function dateOf(days: number): string {
  if (days <= dateMax && days >= dateMin) return isoDate(days)
  const special = specialDates.get(days)
  if (special === undefined) throw new Malformed('a date that Postgres does not have')
  return special
}

/** Microseconds since 1970 of a `timestamp`. */
export function timestampOf(micros: number | bigint): string {
  if (micros >= timestampMin && micros < longMax) return isoTimestamp(micros)
  if (micros === longMax) return 'infinity'
  if (micros === longMin) return '-infinity'
  // Years 294247 to 294276, which Postgres has, overflow in Debezium.
  throw new Malformed('a timestamp after 294247-01-10, which Debezium cannot write')
}

/** A `timestamptz` in ISO 8601. */
export function instantOf(text: string): string {
  return text.startsWith(minusInfinityInArrays) ? '-infinity' : isoInstant(text)
}

/** The digits of a `numeric` as Postgres writes them. */
export function numericOf(text: string): string {
  return text.charCodeAt(0) < letterA ? text : (specialNumerics.get(text) ?? text)
}

const specialNumerics: ReadonlyMap<string, string> = new Map([
  ['NAN', 'NaN'],
  ['POSITIVE_INFINITY', 'Infinity'],
  // Its sign is a word, so that no number starts with a letter.
  ['NEGATIVE_INFINITY', '-Infinity'],
])
const letterA = 0x41
const longMax = 2n ** 63n - 1n
const longMin = -(2n ** 63n)
/** 4714-11-24 BC, the first that Postgres has, and 5874897-12-31, the last date. */
const [dateMin, dateMax] = [-2_440_588, 2_145_042_905]
const timestampMin = dateMin * 86_400_000_000
const specialDates: ReadonlyMap<number, string> = new Map([
  [2_146_033_979, 'infinity'],
  [-2_147_472_691, '-infinity'],
  // In a snapshot and in arrays.
  [-622_191_234, 'infinity'],
  [-625_821_272, '-infinity'],
])
const minusInfinityInArrays = '+292269055-'
