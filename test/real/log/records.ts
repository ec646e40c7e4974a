import avsc, { type Type } from 'avsc'
import type { LogRecord } from '../../../src/contract/log-event.ts'

/** What a log record says, decoded here on purpose without millrace's own decoder: two readers must agree. */
export type Said =
  | { readonly is: 'begin'; readonly xid: string }
  | {
      readonly is: 'end'
      readonly xid: string
      readonly lsn: bigint
      readonly events: number
      readonly tables: ReadonlyMap<string, number>
      readonly atMs: number
    }
  | {
      readonly is: 'row'
      /** Null for rows of a snapshot. */
      readonly xid: string | null
      readonly op: 'c' | 'u' | 'd' | 'r'
      readonly table: string
      readonly lsn: bigint
      /** Of a snapshot row: the transaction that reads the tables. */
      readonly reader: bigint
      /** Of the first half of a key update: the key that the row has from now on. */
      readonly becomes: string | null
      /** True for the second half. */
      readonly became: boolean
      readonly before: Row | null
      readonly after: Row | null
    }
  | { readonly is: 'message'; readonly xid: string | null; readonly prefix: string; readonly content: string }
  | { readonly is: 'notice'; readonly what: string; readonly type: string }
  | { readonly is: 'nothing' }

export type Row = Readonly<Record<string, string | number | bigint | null>>

export class Records {
  readonly #registry: string
  readonly #types = new Map<number, Type>()

  constructor(registry: string) {
    this.#registry = registry
  }

  async prepare(records: readonly LogRecord[]): Promise<void> {
    for (const { value } of records) {
      if (value === null || this.#types.has(value.readInt32BE(1))) continue
      const id = value.readInt32BE(1)
      const answer = await fetch(`${this.#registry}/apis/ccompat/v7/schemas/ids/${id}`)
      if (!answer.ok) throw new Error(`schema ${id}: ${answer.status}`)
      const { schema } = (await answer.json()) as { schema: string }
      this.#types.set(id, avsc.Type.forSchema(JSON.parse(schema), { registry: {}, typeHook: exactLongs }))
    }
  }

  read({ offset, value, headers }: LogRecord): Said {
    if (value === null) return { is: 'nothing' }
    if (value[0] !== 0) throw new Error(`offset ${offset}: not in the registry's format`)
    const type = this.#types.get(value.readInt32BE(1))!
    const said = meaning(type.fromBuffer(value.subarray(5)) as Fields)
    if (said.is !== 'row') return said
    const newKey = headers?.['__debezium.newkey']
    const becomes = newKey === undefined ? null : String((JSON.parse(String(newKey)) as { id: number }).id)
    return { ...said, becomes, became: headers?.['__debezium.oldkey'] !== undefined }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the record's own schema says
type Fields = any

function meaning(record: Fields): Said {
  if ('aggregate_type' in record) return { is: 'notice', what: record.aggregate_type, type: record.type }
  if ('status' in record) {
    const [xid] = record.id.split(':')
    if (record.status === 'BEGIN') return { is: 'begin', xid }
    const tables = new Map<string, number>()
    for (const { data_collection, event_count } of record.data_collections ?? []) {
      tables.set(data_collection, Number(event_count))
    }
    const lsn = BigInt(record.id.split(':')[1])
    return { is: 'end', xid, lsn, events: Number(record.event_count), tables, atMs: Number(record.ts_ms) }
  }
  const xid = record.transaction?.id?.split(':')[0] ?? null
  if ('message' in record) {
    const { prefix, content } = record.message
    return { is: 'message', xid, prefix, content: content?.toString('utf8') ?? '' }
  }
  if (!('op' in record)) return { is: 'nothing' }
  const { op, before, after, source } = record
  return {
    is: 'row',
    xid,
    op,
    table: source.table,
    lsn: BigInt(source.lsn),
    reader: BigInt(source.txId),
    becomes: null,
    became: false,
    before,
    after,
  }
}

const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

function exactLongs(schema: Fields): Type | undefined {
  return schema === 'long' || schema?.type === 'long' ? long : undefined
}
