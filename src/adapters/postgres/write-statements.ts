import type { TargetTable } from '../../contract/target-table.ts'
import { type ColumnValue, unchanged } from '../../contract/values.ts'
import { columnLiteral } from './literals.ts'
import { quoteName, quoteNames, quoteTable, type TableRef } from './names.ts'
import { keyPlaces } from './row-key.ts'
import type { PresentTable } from './target-catalog.ts'

type Values = readonly ColumnValue[]

/** SQL with one array parameter per place: the values of that column, row by row. */
export interface SetStatement {
  readonly text: string
  /** Which values of a row the parameters take, in their order. */
  readonly places: readonly number[]
}

/** How one column of a set travels: `parameter` is the array's type, `cast` what turns an element into the column's type. */
interface ColumnPath {
  readonly name: string
  readonly parameter: string
  readonly cast: string
  /** The column's type with its modifier, as a value of it is stored. */
  readonly stored: string
}

/**
 * The statements that write sets of rows to one table. Which columns a statement has depends on the rows' shape, so that what the log
 * does not carry is never written.
 */
export class TableStatements {
  readonly #target: TargetTable
  readonly #into: TableRef
  readonly #columns: readonly ColumnPath[]
  readonly #key: readonly number[]

  constructor(target: TargetTable, present: PresentTable, into: TableRef) {
    this.#target = target
    this.#into = into
    this.#key = keyPlaces(target)
    this.#columns = target.columns.map(({ name }) => {
      const { type } = present.columns.find((column) => column.name === name)!
      const base = `${quoteName(type.schema)}.${quoteName(type.name)}`
      // unnest() flattens arrays of arrays: an array column travels as the text of its literals.
      return type.array
        ? { name, parameter: 'text[]', cast: `::${base}[]`, stored: type.spelling }
        : { name, parameter: `${base}[]`, cast: '', stored: type.spelling }
    })
  }

  /** Inserts whole rows, or updates what is there where it differs. */
  upsert(present: readonly number[]): SetStatement {
    const others = present.filter((place) => !this.#key.includes(place))
    const names = quoteNames(present.map((place) => this.#columns[place]!.name))
    const row = (of: string) => `ROW(${others.map((place) => `${of}.${this.#name(place)}`)})::record`
    const conflict =
      others.length === 0
        ? 'DO NOTHING'
        : `DO UPDATE SET ${others.map((place) => `${this.#name(place)} = excluded.${this.#name(place)}`)} ` +
          `WHERE ${row('t')} OPERATOR(pg_catalog.*<>) ${row('excluded')}`
    return {
      places: present,
      text:
        `INSERT INTO ${quoteTable(this.#into)} AS t (${names}) OVERRIDING SYSTEM VALUE ` +
        `SELECT ${present.map((place) => this.#value(place))} FROM ${this.#rows(present)} ` +
        `ON CONFLICT (${quoteNames(this.#target.key)}) ${conflict}`,
    }
  }

  /** Updates rows that are there where they differ. Answers with the ordinals (from 1) of the rows that are not. */
  update(present: readonly number[]): SetStatement {
    const others = present.filter((place) => !this.#key.includes(place))
    const places = [...this.#key, ...others]
    const update =
      `updated AS (UPDATE ${quoteTable(this.#into)} AS t ` +
      `SET ${others.map((place) => `${this.#name(place)} = ${this.#value(place)}`)} FROM v WHERE ${this.#sameKey()} ` +
      `AND ROW(${others.map((place) => `t.${this.#name(place)}`)})::record OPERATOR(pg_catalog.*<>) ` +
      `ROW(${others.map((place) => this.#storedValue(place))})::record)`
    return {
      places,
      text: `WITH v AS (SELECT * FROM ${this.#rows(places, true)})${others.length > 0 ? `, ${update}` : ''} ${this.#absent()}`,
    }
  }

  delete(): SetStatement {
    return {
      places: this.#key,
      text: `DELETE FROM ${quoteTable(this.#into)} AS t USING ${this.#rows(this.#key)} WHERE ${this.#sameKey()}`,
    }
  }

  /** Gives one row another key and what else is set. Parameters: the old key, then the values at `places`. */
  move(present: readonly number[]): SetStatement {
    const old = this.#key.map((place, at) => `t.${this.#name(place)} = $${at + 1}::text${this.#fromText(place)}`)
    const set = present.map(
      (place, at) => `${this.#name(place)} = $${this.#key.length + at + 1}::text${this.#fromText(place)}`,
    )
    return { places: present, text: `UPDATE ${quoteTable(this.#into)} AS t SET ${set} WHERE ${old.join(' AND ')}` }
  }

  #absent(): string {
    return `SELECT v.n::int4 AS n FROM v WHERE NOT EXISTS (SELECT FROM ${quoteTable(this.#into)} AS t WHERE ${this.#sameKey()})`
  }

  #sameKey(): string {
    return this.#key.map((place) => `t.${this.#name(place)} = ${this.#value(place)}`).join(' AND ')
  }

  #rows(places: readonly number[], numbered = false): string {
    const parameters = places.map((place, at) => `$${at + 1}::${this.#columns[place]!.parameter}`)
    const names = places.map((place) => `c${place}`)
    return numbered
      ? `unnest(${parameters}) WITH ORDINALITY AS v(${[...names, 'n']})`
      : `unnest(${parameters}) AS v(${names})`
  }

  #name(place: number): string {
    return quoteName(this.#columns[place]!.name)
  }

  #value(place: number): string {
    return `v.c${place}${this.#columns[place]!.cast}`
  }

  #storedValue(place: number): string {
    return `v.c${place}::${this.#columns[place]!.stored}`
  }

  #fromText(place: number): string {
    const { parameter, cast } = this.#columns[place]!
    return cast === '' ? `::${parameter.slice(0, -2)}` : cast
  }
}

/** Which places of a row are to be written: not those the log does not carry or the update did not touch. */
export function shapeOf(values: Values): string {
  let whole = true
  for (let at = 0; whole && at < values.length; at++) whole = values[at] !== undefined && values[at] !== unchanged
  if (whole) return ''
  return values.map((value) => (value === undefined || value === unchanged ? '-' : 'x')).join('')
}

/** The places of a shape; the empty one is all of them. */
export function placesOf(shape: string, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at).filter((at) => shape === '' || shape[at] === 'x')
}

/** The parameters of a set: one array literal per place. */
export function parametersOf(places: readonly number[], rows: readonly { readonly values: Values }[]): string[] {
  return places.map((place) => columnLiteral(rows, place))
}
