import { Malformed } from '../malformed.ts'
import type { ColumnContract, TableContract } from '../table.ts'
import { tableName } from '../table.ts'
import type { ColumnValue } from '../values.ts'
import { columnCode, type Form, vocabulary } from './column-code.ts'
import { skip } from './generic.ts'
import { avroName } from './names.ts'
import type { Placeholder } from './placeholder.ts'
import type { Tap } from './tap.ts'
import { type Node, nullable, type RecordNode } from './writer-schema.ts'

/** A table as one reader reads it. */
export interface TableReading {
  readonly contract: TableContract
  /** Columns the reader wants, key columns or not. The key is always read. */
  readonly columns: readonly string[]
  readonly form: Form
}

/** What a row event says, left here by `RowDecoder`; overwritten by the next one. */
export interface Envelope {
  /** First letter of `op`, as a character code. */
  op: number
  /** Where `before` begins, -1 when it is null. It is passed over: only a delete needs it, and of it only the key. */
  beforeAt: number
  after: ColumnValue[] | undefined
  lsn: number | bigint
  transaction: string | null
  /** False when the event is of another table, whose name became the same in Avro. */
  ours: boolean
}

/** Reads events of one table as one writer schema wrote them. */
export interface RowDecoder {
  envelope(tap: Tap, into: Envelope): void
  /** The key columns at the tap's place; every other column is undefined. */
  key(tap: Tap): ColumnValue[]
}

/**
 * Makes the decoder for one writer schema: straight code that reads the wanted fields in the order they were written and
 * passes over the rest. Throws a `Malformed` naming the field that cannot become what the contract says.
 */
export function rowDecoder(envelope: RecordNode, reading: TableReading, placeholder: Placeholder): RowDecoder {
  const { contract } = reading
  const nodes: Node[] = []
  const wanted = new Set([...reading.columns, ...contract.key])
  const row = rowOf(envelope)
  const words = {
    ...vocabulary(placeholder),
    skip,
    nodes,
    schemaName: Buffer.from(contract.schema),
    tableName: Buffer.from(contract.table),
  }
  const source = `'use strict'
  const row = (t) => {${rowCode(row, contract, wanted, reading.form, nodes)}}
  const key = (t) => {${rowCode(row, contract, new Set(contract.key), reading.form, nodes)}}
  const passRow = (t) => {${row.fields.map((field) => skipCode(field.type, nodes)).join('\n')}}
  const envelope = (t, into) => {
    into.op = 0
    into.beforeAt = -1
    into.after = undefined
    into.lsn = 0
    into.transaction = null
    into.ours = true
    ${upToLastRead(envelope)
      .map((field) => envelopeCode(field.name, field.type, nodes))
      .join('\n')}
  }
  return { envelope, key }`
  return new Function(...Object.keys(words), source)(...Object.values(words)) as RowDecoder
}

function upToLastRead(envelope: RecordNode): RecordNode['fields'] {
  const last = envelope.fields.findLastIndex(({ name }) => envelopeFields.has(name))
  return envelope.fields.slice(0, last + 1)
}

const envelopeFields: ReadonlySet<string> = new Set(['before', 'after', 'source', 'op', 'transaction'])

/** The record of one row, as `after` and `before` have it. */
function rowOf(envelope: RecordNode): RecordNode {
  const types = ['before', 'after'].map((name) => nullable(envelope.fields.find((field) => field.name === name)!.type))
  const row = types[1]?.type
  if (row?.kind !== 'record' || types[0]?.type !== row) throw new Malformed('after: it is not a row')
  return row
}

function rowCode(
  row: RecordNode,
  contract: TableContract,
  wanted: ReadonlySet<string>,
  form: Form,
  nodes: Node[],
): string {
  const places = new Map(contract.columns.map((column, place) => [avroName(column.name), place]))
  const have = new Set<number>()
  const reads = row.fields.map(({ name, type }) => {
    const place = places.get(name)
    const column = contract.columns[place ?? -1]
    if (place === undefined || column === undefined || !wanted.has(column.name)) return skipCode(type, nodes)
    have.add(place)
    return `const v${place} = ${readCode(column, contract, type, form)}`
  })
  const missing = contract.key.find((name) => !row.fields.some((field) => field.name === avroName(name)))
  if (missing !== undefined) throw new Malformed(`${missing}: the record has no such key column`)
  const values = contract.columns.map((_, place) => (have.has(place) ? `v${place}` : 'undefined'))
  return `${reads.join('\n')}\nreturn [${values.join(', ')}]`
}

function readCode(column: ColumnContract, contract: TableContract, type: Node, form: Form): string {
  const code = columnCode(column, type, form)
  if (typeof code !== 'string') throw new Malformed(`${tableName(contract)}.${column.name}: ${code.refused}`)
  return code
}

function envelopeCode(name: string, type: Node, nodes: Node[]): string {
  const { type: inner, nullAt } = nullable(type) ?? { type, nullAt: -1 }
  const guarded = (code: string) => (nullAt < 0 ? `{ ${code} }` : `if (t.branch(2) !== ${nullAt}) { ${code} }`)
  if (name === 'before') return guarded('into.beforeAt = t.at; passRow(t)')
  if (name === 'after') return guarded('into.after = row(t)')
  if (name === 'op' && inner.kind === 'string') return guarded('into.op = t.letter()')
  if (name === 'source' && inner.kind === 'record') {
    return guarded(inner.fields.map((field) => sourceCode(field.name, field.type, nodes)).join('\n'))
  }
  if (name === 'transaction' && inner.kind === 'record') {
    const block = inner.fields.map((field) =>
      field.name === 'id' && field.type.kind === 'string'
        ? 'into.transaction = t.transaction()'
        : skipCode(field.type, nodes),
    )
    return guarded(block.join('\n'))
  }
  return skipCode(type, nodes)
}

function sourceCode(name: string, type: Node, nodes: Node[]): string {
  const { type: inner, nullAt } = nullable(type) ?? { type, nullAt: -1 }
  const guarded = (code: string) => (nullAt < 0 ? code : `if (t.branch(2) !== ${nullAt}) ${code}`)
  if (name === 'lsn' && inner.kind === 'long') return guarded('into.lsn = t.long()')
  if (inner.kind === 'string' && name === 'schema') return guarded('if (!t.matches(schemaName)) into.ours = false')
  if (inner.kind === 'string' && name === 'table') return guarded('if (!t.matches(tableName)) into.ours = false')
  return skipCode(type, nodes)
}

function skipCode(type: Node, nodes: Node[]): string {
  switch (type.kind) {
    case 'null':
      return ''
    case 'boolean':
      return 't.skip(1)'
    case 'int':
    case 'long':
    case 'enum':
      return 't.skipVarint()'
    case 'float':
      return 't.skip(4)'
    case 'double':
      return 't.skip(8)'
    case 'string':
    case 'bytes':
      return 't.skipBytes()'
    default: {
      const either = type.kind === 'union' ? nullable(type) : undefined
      if (either !== undefined && either.type.kind !== 'record' && either.type.kind !== 'union') {
        return `if (t.branch(2) !== ${either.nullAt}) { ${skipCode(either.type, nodes)} }`
      }
      nodes.push(type)
      return `skip(nodes[${nodes.length - 1}], t)`
    }
  }
}
