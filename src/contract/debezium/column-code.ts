import type { ColumnContract, ScalarType } from '../table.ts'
import { isoInterval, isoTime } from '../temporal.ts'
import { Decimal, type Unchanged, unchanged } from '../values.ts'
import { type Placeholder, placeholderForm } from './placeholder.ts'
import { dateOf, instantOf, numericOf, timestampOf } from './special-values.ts'
import type { Tap } from './tap.ts'
import { type Node, nullable } from './writer-schema.ts'

/** `typed`: user functions read the row. `carried`: nobody computes with it, so numeric stays the text it came as. */
export type Form = 'typed' | 'carried'

/**
 * The expression that reads a column, which a writer wrote as `node`, from the tap `t` into what its contract says; in words
 * why there is none when the two disagree. It is made of the words of `vocabulary` and of numbers alone: nothing of a schema's
 * text becomes code.
 *
 * The placeholder is looked for in every column that could carry it, also where the contract says that it cannot: a table
 * whose replica identity was changed must stop its readers, which must never take the placeholder for a value.
 */
export function columnCode(column: ColumnContract, node: Node, form: Form): string | { readonly refused: string } {
  const outer = nullable(node)
  if (outer === undefined) return disagree(column, node)
  const { type } = column
  const code = type.array ? arrayCode(column, outer.type, form) : scalarCode(type.name, outer.type, form, true)
  return code === undefined ? disagree(column, outer.type) : orNull(outer.nullAt, code)
}

/** What generated code may call, besides the tap's own methods. */
export function vocabulary(placeholder: Placeholder) {
  const { text, uuid } = placeholder
  return {
    text,
    uuid,
    unchanged,
    dateOf,
    isoTime,
    timestampOf,
    instantOf,
    isoInterval,
    numericOf,
    decimal: (text: string) => new Decimal(numericOf(text)),
    finish: <T>(value: string | Unchanged, make: (text: string) => T) =>
      value === unchanged ? unchanged : make(value),
    /** Whether the array that follows has the placeholder as its only item. */
    standsAlone: (t: Tap, expected: Uint8Array, nullAt: number) =>
      t.block() === 1 && (nullAt < 0 || t.branch(2) !== nullAt) && t.matches(expected) && t.block() === 0,
    /** Whether the array that follows has the placeholder's bytes as its items. */
    standsSpelled: (t: Tap, nullAt: number) =>
      t.block() === text.length &&
      text.every((byte) => (nullAt < 0 || t.branch(2) !== nullAt) && t.long() === byte) &&
      t.block() === 0,
  }
}

/** What Debezium calls the types whose Avro type alone does not say what they mean. */
const meanings = {
  date: 'io.debezium.time.Date',
  time: 'io.debezium.time.MicroTime',
  timestamp: 'io.debezium.time.MicroTimestamp',
  timestamptz: 'io.debezium.time.ZonedTimestamp',
  interval: 'io.debezium.time.Interval',
} as const

/** Types between which a column may have been altered without changing its text. */
const texts: ReadonlySet<ScalarType> = new Set([
  'text',
  'varchar',
  'bpchar',
  'uuid',
  'json',
  'jsonb',
  'enum',
  'numeric',
])
const textMeanings: ReadonlyMap<string | undefined, ReadonlySet<ScalarType>> = new Map([
  [undefined, texts],
  ['io.debezium.data.Json', texts],
  ['io.debezium.data.Uuid', texts],
  ['io.debezium.data.Enum', texts],
  [meanings.timestamptz, new Set<ScalarType>(['timestamptz'])],
  [meanings.interval, new Set<ScalarType>(['interval'])],
])

/** `alone`: a column of its own, which can be the placeholder; an array's item cannot. */
function scalarCode(type: ScalarType, node: Node, form: Form, alone: boolean): string | undefined {
  const meaning = 'meaning' in node ? node.meaning : undefined
  switch (node.kind) {
    case 'boolean':
      return type === 'bool' ? 't.boolean()' : undefined
    case 'int':
      if (meaning === meanings.date) return type === 'date' ? 'dateOf(t.int())' : undefined
      if (type === 'int2' || type === 'int4') return 't.int()'
      // The column was widened after this record was written.
      return type === 'int8' ? 'BigInt(t.int())' : undefined
    case 'long':
      if (meaning === meanings.time) return type === 'time' ? 'isoTime(Number(t.long()))' : undefined
      if (meaning === meanings.timestamp) return type === 'timestamp' ? 'timestampOf(t.long())' : undefined
      return type === 'int8' ? 't.bigint()' : undefined
    case 'float':
      return type === 'float4' || type === 'float8' ? 't.float()' : undefined
    case 'double':
      return type === 'float8' ? 't.double()' : undefined
    case 'bytes':
      if (type !== 'bytea') return undefined
      return alone ? 't.blobOr(text)' : 't.blob()'
    case 'string': {
      if (!textMeanings.get(meaning)?.has(type)) return undefined
      const make = maker(type, form)
      if (make === undefined) return alone ? 't.stringOr(text)' : 't.string()'
      return alone ? `finish(t.stringOr(text), ${make})` : `${make}(t.string())`
    }
    default:
      return undefined
  }
}

function maker(type: ScalarType, form: Form): string | undefined {
  if (type === 'numeric') return form === 'typed' ? 'decimal' : 'numericOf'
  if (type === 'timestamptz') return 'instantOf'
  return type === 'interval' ? 'isoInterval' : undefined
}

function arrayCode(column: ColumnContract, node: Node, form: Form): string | undefined {
  if (node.kind !== 'array') return undefined
  const items = nullable(node.items)
  if (items === undefined) return undefined
  const item = scalarCode(column.type.name, items.type, form, false)
  if (item === undefined) return undefined
  return `((t) => {
    const at = t.at
    if (${stands(column, items.nullAt)}) return unchanged
    t.at = at
    const values = []
    for (let count = t.block(); count > 0; count = t.block()) while (count-- > 0) values.push(${orNull(items.nullAt, item)})
    return values
  })(t)`
}

function stands(column: ColumnContract, nullAt: number): string {
  switch (placeholderForm(column.type)) {
    case 'text-array':
      return `standsAlone(t, text, ${nullAt})`
    case 'uuid-array':
      return `standsAlone(t, uuid, ${nullAt})`
    case 'number-array':
      return `standsSpelled(t, ${nullAt})`
    default:
      return 'false'
  }
}

function orNull(nullAt: number, code: string): string {
  return nullAt < 0 ? code : `(t.branch(2) === ${nullAt} ? null : ${code})`
}

function disagree(column: ColumnContract, node: Node): { refused: string } {
  const meaning = 'meaning' in node && node.meaning !== undefined ? ` (${node.meaning})` : ''
  const array = column.type.array ? '[]' : ''
  return { refused: `the record has ${node.kind}${meaning}, the contract says ${column.type.name}${array}` }
}
