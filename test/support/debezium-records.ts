import avsc from 'avsc'
import { avroName } from '../../src/contract/debezium/names.ts'
import type { LogRecord } from '../../src/contract/log-event.ts'
import type { ColumnType, TableContract } from '../../src/contract/table.ts'

/** A row event as Debezium 3.7 writes it, values in Avro's own form. */
export interface DebeziumChange {
  readonly op: 'c' | 'u' | 'd' | 'r' | 't'
  readonly before?: Readonly<Record<string, unknown>> | null
  readonly after?: Readonly<Record<string, unknown>> | null
  readonly transaction?: { readonly id: string } | null
  readonly lsn?: bigint | null
  /** Another table's event, whose Avro name is the same. */
  readonly table?: string
}

/** Writes records of a log: what stands between the registry's header and the end is avsc's work. */
export class DebeziumWriter {
  readonly schemas = new Map<number, unknown>()
  readonly #types = new Map<number, avsc.Type>()
  #offset = 0n

  /** Makes a schema known and returns its id. */
  add(schema: unknown): number {
    const id = this.schemas.size + 1
    this.schemas.set(id, schema)
    this.#types.set(id, avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false, typeHook: bigLongs() }))
    return id
  }

  record(id: number, value: unknown): LogRecord {
    const body = this.#types.get(id)!.toBuffer(value)
    const header = Buffer.alloc(5)
    header.writeInt32BE(id, 1)
    return this.bytes(Buffer.concat([header, body]))
  }

  bytes(value: Buffer | null): LogRecord {
    return { offset: this.#offset++, key: null, value }
  }

  change(id: number, contract: TableContract, change: DebeziumChange): LogRecord {
    const source = {
      version: '3.7.0.Final',
      connector: 'postgresql',
      name: contract.source,
      ts_ms: 1_795_464_894_515n,
      snapshot: change.op === 'r' ? 'true' : 'false',
      db: 'shop',
      sequence: '["41042560","41042784"]',
      ts_us: 1_795_464_894_515_123n,
      ts_ns: 1_795_464_894_515_123_000n,
      schema: contract.schema,
      table: change.table ?? contract.table,
      txId: 1936n,
      lsn: change.lsn ?? null,
      xmin: null,
      origin: null,
      origin_lsn: null,
    }
    return this.record(id, {
      before: change.before ?? null,
      after: change.after ?? null,
      source,
      transaction: change.transaction
        ? { id: change.transaction.id, total_order: 1n, data_collection_order: 1n }
        : null,
      op: change.op,
      ts_ms: 1n,
      ts_us: 1n,
      ts_ns: 1_795_464_894_515_123_000n,
    })
  }

  /** A decoder's `fetchSchema` over the schemas made known so far. */
  fetchSchema = async (id: number): Promise<unknown> => this.schemas.get(id)
}

/**
 * The envelope schema that Debezium and the converter make of a table. `nullLast` turns the unions of nullable columns around, as
 * they are where the column has a default.
 */
export function envelopeSchema(contract: TableContract, nullLast = false): Record<string, unknown> {
  const namespace = `${contract.source}.${contract.schema}.${contract.table}`.replace(/[^A-Za-z0-9_.]/g, '_')
  const optional = (type: unknown) => ['null', type]
  return {
    type: 'record',
    name: 'Envelope',
    namespace,
    fields: [
      {
        name: 'before',
        type: optional({
          type: 'record',
          name: 'Value',
          fields: contract.columns.map((column) => {
            const type = columnSchema(column.type)
            return {
              name: avroName(column.name),
              type: column.nullable ? (nullLast ? [type, 'null'] : ['null', type]) : type,
            }
          }),
        }),
      },
      { name: 'after', type: optional('Value') },
      {
        name: 'source',
        type: {
          type: 'record',
          name: 'Source',
          namespace: 'io.debezium.connector.postgresql',
          fields: [
            { name: 'version', type: 'string' },
            { name: 'connector', type: 'string' },
            { name: 'name', type: 'string' },
            { name: 'ts_ms', type: 'long' },
            { name: 'snapshot', type: [meaning('string', 'io.debezium.data.Enum'), 'null'], default: 'false' },
            { name: 'db', type: 'string' },
            { name: 'sequence', type: optional('string') },
            { name: 'ts_us', type: optional('long') },
            { name: 'ts_ns', type: optional('long') },
            { name: 'schema', type: 'string' },
            { name: 'table', type: 'string' },
            { name: 'txId', type: optional('long') },
            { name: 'lsn', type: optional('long') },
            { name: 'xmin', type: optional('long') },
            { name: 'origin', type: optional('string') },
            { name: 'origin_lsn', type: optional('long') },
          ],
        },
      },
      {
        name: 'transaction',
        type: optional({
          type: 'record',
          name: 'block',
          namespace: 'event',
          fields: [
            { name: 'id', type: 'string' },
            { name: 'total_order', type: 'long' },
            { name: 'data_collection_order', type: 'long' },
          ],
        }),
      },
      { name: 'op', type: 'string' },
      { name: 'ts_ms', type: optional('long') },
      { name: 'ts_us', type: optional('long') },
      { name: 'ts_ns', type: optional('long') },
    ],
  }
}

export const transactionSchema = {
  type: 'record',
  name: 'TransactionMetadataValue',
  namespace: 'io.debezium.connector.common',
  fields: [
    { name: 'status', type: 'string' },
    { name: 'id', type: 'string' },
    { name: 'event_count', type: ['null', 'long'] },
    {
      name: 'data_collections',
      type: [
        'null',
        {
          type: 'array',
          items: [
            'null',
            {
              type: 'record',
              name: 'collection',
              namespace: 'event',
              fields: [
                { name: 'data_collection', type: 'string' },
                { name: 'event_count', type: 'long' },
              ],
            },
          ],
        },
      ],
    },
    { name: 'ts_ms', type: 'long' },
  ],
}

export const notificationSchema = {
  type: 'record',
  name: 'Notification',
  namespace: 'io.debezium.connector.common',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'type', type: 'string' },
    { name: 'aggregate_type', type: 'string' },
    { name: 'additional_data', type: ['null', { type: 'map', values: 'string' }] },
    { name: 'timestamp', type: 'long' },
  ],
}

export const messageSchema = {
  type: 'record',
  name: 'MessageValue',
  namespace: 'io.debezium.connector.postgresql',
  fields: [
    { name: 'op', type: 'string' },
    { name: 'ts_ms', type: ['null', 'long'] },
    {
      name: 'message',
      type: {
        type: 'record',
        name: 'Message',
        fields: [
          { name: 'prefix', type: ['null', 'string'] },
          { name: 'content', type: ['null', 'bytes'] },
        ],
      },
    },
    {
      name: 'transaction',
      type: ['null', { type: 'record', name: 'block', namespace: 'event', fields: [{ name: 'id', type: 'string' }] }],
    },
  ],
}

function columnSchema(type: ColumnType): unknown {
  const scalar = scalarSchema(type)
  if (!type.array) return scalar
  // Debezium lets no item of an enum array be null.
  return { type: 'array', items: type.name === 'enum' ? scalar : ['null', scalar] }
}

function scalarSchema(type: ColumnType): unknown {
  switch (type.name) {
    case 'bool':
      return 'boolean'
    case 'int2':
      return { type: 'int', 'connect.type': 'int16' }
    case 'int4':
      return 'int'
    case 'int8':
      return 'long'
    case 'float4':
      return 'float'
    case 'float8':
      return 'double'
    case 'bytea':
      return 'bytes'
    case 'date':
      return meaning('int', 'io.debezium.time.Date')
    case 'time':
      return meaning('long', 'io.debezium.time.MicroTime')
    case 'timestamp':
      return meaning('long', 'io.debezium.time.MicroTimestamp')
    case 'timestamptz':
      return meaning('string', 'io.debezium.time.ZonedTimestamp')
    case 'interval':
      return meaning('string', 'io.debezium.time.Interval')
    case 'uuid':
      return meaning('string', 'io.debezium.data.Uuid')
    case 'json':
    case 'jsonb':
      return meaning('string', 'io.debezium.data.Json')
    case 'enum':
      return meaning('string', 'io.debezium.data.Enum')
    default:
      return 'string'
  }
}

function meaning(type: string, name: string): object {
  return { type, 'connect.version': 1, 'connect.name': name }
}

/** avsc's longs as bigints, wherever a schema says long. */
function bigLongs(): (schema: avsc.Schema) => avsc.Type | undefined {
  return (schema) => (schema === 'long' || (schema as { type?: unknown }).type === 'long' ? bigLong : undefined)
}

const bigLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0),
})
