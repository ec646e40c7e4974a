import { Decimal as DecimalBase } from 'decimal.js'

/**
 * Exact decimal for Postgres `numeric`. `plus`, `minus` and `times` are exact up to 1,000 significant digits; `div` rounds there.
 * Constructing never rounds. `NaN` and the infinities exist, as they do in Postgres.
 */
export const Decimal = DecimalBase.clone({ precision: 1000, toExpNeg: -9e15, toExpPos: 9e15, defaults: true })
export type Decimal = InstanceType<typeof DecimalBase>

/**
 * The value of a column that an update did not touch and that Postgres did not put into its WAL: a TOASTed value. It is neither
 * null nor absent: the sink already has it.
 */
export const unchanged: unique symbol = Symbol.for('millrace.unchanged') as never
export type Unchanged = typeof unchanged

/**
 * A column's value as the decoder gives it and as a sink takes it.
 *
 * | Postgres | value |
 * |---|---|
 * | bool | `boolean` |
 * | int2, int4, float4, float8 | `number` |
 * | int8 | `bigint` |
 * | numeric | `Decimal`; a `string` of its digits where nobody computes with it |
 * | text, varchar, char, uuid, enums, json, jsonb | `string` (json: its text, so that no number in it is rounded) |
 * | bytea | `Uint8Array` |
 * | date | ISO 8601 `string`: `2024-02-29` |
 * | time, timestamp, timestamptz | ISO 8601 `string`, always six fraction digits, instants in UTC: `2024-02-29T13:14:15.120000Z` |
 * | interval | ISO 8601 `string` as Postgres' style `iso_8601` writes it: `P1Y2MT0.5S`, `PT0S` |
 * | infinite dates and timestamps | `infinity`, `-infinity` |
 * | T[] | array of the above or `null` |
 *
 * Texts of dates and times compare as their values do, within the years 0000 to 9999; others are signed and have six digits.
 */
export type Scalar = boolean | number | bigint | string | Decimal | Uint8Array
export type ColumnValue = Scalar | null | readonly (Scalar | null)[] | Unchanged | undefined
