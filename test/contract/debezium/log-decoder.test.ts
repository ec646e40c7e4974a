import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { debeziumLogDecoder } from '../../../src/contract/debezium/log-decoder.ts'
import type { LogRecord } from '../../../src/contract/log-event.ts'
import { type ColumnType, type ScalarType, scalarTypes, type TableContract } from '../../../src/contract/table.ts'
import { Decimal, unchanged } from '../../../src/contract/values.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { column, contract, ordersContract } from '../../support/contracts.ts'
import {
  DebeziumWriter,
  envelopeSchema,
  messageSchema,
  notificationSchema,
  transactionSchema,
} from '../../support/debezium-records.ts'

const token = '0123456789abcdef0123456789abcdef'
const tokenUuid = '8516ac99-dc60-3032-95de-7bdb6a153530'

function decoderFor(
  writer: DebeziumWriter,
  tables: readonly (TableContract | { contract: TableContract; columns: string[]; form: 'typed' | 'carried' })[],
) {
  return debeziumLogDecoder({
    tables: tables.map((table) =>
      'contract' in table ? table : { contract: table, columns: table.columns.map(({ name }) => name), form: 'typed' },
    ),
    placeholder: token,
    fetchSchema: writer.fetchSchema,
  })
}

async function decodeOne(writer: DebeziumWriter, table: TableContract, record: LogRecord) {
  const decoder = decoderFor(writer, [table])
  await decoder.prepare([record])
  return decoder.decode(record)
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    return isMillraceError(thrown) ? `${thrown.code} ${thrown.message}` : `bare error: ${String(thrown)}`
  }
  return 'no error'
}

describe('row events', () => {
  const items = contract('items', [column('id', 'int8'), column('n', 'int4', { nullable: true }), column('t', 'text')])

  test('are read with their transaction and LSN', async () => {
    const writer = new DebeziumWriter()
    const id = writer.add(envelopeSchema(items))
    const record = writer.change(id, items, {
      op: 'c',
      after: { id: 9_007_199_254_740_993n, n: null, t: 'zwölf' },
      transaction: { id: '4108:315612744' },
      lsn: 315_612_744n,
    })
    expect(await decodeOne(writer, items, record)).toEqual({
      kind: 'change',
      transaction: '4108',
      lsn: 315_612_744n,
      change: { table: items, op: 'insert', row: [9_007_199_254_740_993n, null, 'zwölf'] },
    })
  })

  test('keep transactions apart whose ids begin alike', async () => {
    const writer = new DebeziumWriter()
    const id = writer.add(envelopeSchema(items))
    const ids = ['41:9', '410:9', '410:8', '4:1', '41:1', '', ':', '41', '410:77']
    const records = ids.map((transaction) =>
      writer.change(id, items, { op: 'u', after: { id: 1n, n: 1, t: '' }, transaction: { id: transaction } }),
    )
    const decoder = decoderFor(writer, [items])
    await decoder.prepare(records)
    expect(records.map((record) => (decoder.decode(record) as { transaction: string }).transaction)).toEqual([
      '41',
      '410',
      '410',
      '4',
      '41',
      '',
      '',
      '41',
      '410',
    ])
  })

  test('of a delete have only the key', async () => {
    const writer = new DebeziumWriter()
    const id = writer.add(envelopeSchema(items))
    const record = writer.change(id, items, { op: 'd', before: { id: 5n, n: 0, t: '' } })
    expect(await decodeOne(writer, items, record)).toMatchObject({
      change: { op: 'delete', row: [5n, undefined, undefined] },
    })
  })

  test('are truncates, loads, and nothing where the record is a tombstone', async () => {
    const writer = new DebeziumWriter()
    const id = writer.add(envelopeSchema(items))
    const truncate = writer.change(id, items, { op: 't', transaction: { id: '7:1' } })
    expect(await decodeOne(writer, items, truncate)).toEqual({ kind: 'truncate', transaction: '7', table: items })
    const load = writer.change(id, items, { op: 'r', after: { id: 1n, n: 1, t: '' } })
    expect(await decodeOne(writer, items, load)).toMatchObject({ transaction: null, change: { op: 'load' } })
    expect(await decodeOne(writer, items, writer.bytes(null))).toBeUndefined()
  })

  test('give only the columns that are read, and the key', async () => {
    const writer = new DebeziumWriter()
    const record = writer.change(writer.add(envelopeSchema(items)), items, { op: 'u', after: { id: 1n, n: 2, t: 'x' } })
    const decoder = decoderFor(writer, [{ contract: items, columns: ['t'], form: 'carried' }])
    await decoder.prepare([record])
    expect(decoder.decode(record)).toMatchObject({ change: { row: [1n, undefined, 'x'] } })
  })

  test('of other tables are not decoded, not even where they are broken', async () => {
    const writer = new DebeziumWriter()
    const others = contract('others', items.columns)
    const id = writer.add(envelopeSchema(others))
    const header = writer.change(id, others, { op: 'u', after: { id: 1n, n: 2, t: 'x' } }).value!.subarray(0, 5)
    const broken = writer.bytes(Buffer.concat([header, Buffer.from([0xff, 0xff])]))
    expect(await decodeOne(writer, items, broken)).toBeUndefined()
  })

  test('of a table whose name is the same in Avro are told apart', async () => {
    const writer = new DebeziumWriter()
    const spaced = contract('order items', [column('id', 'int8'), column('x', 'text')])
    const dashed = contract('order-items', [column('id', 'int8'), column('n', 'int4')])
    const records = [
      writer.change(writer.add(envelopeSchema(spaced)), spaced, { op: 'c', after: { id: 1n, x: 'a' } }),
      writer.change(writer.add(envelopeSchema(dashed)), dashed, { op: 'c', after: { id: 1n, n: 7 } }),
      writer.change(writer.add(envelopeSchema(spaced)), spaced, {
        op: 'c',
        after: { id: 1n, x: 'a' },
        table: 'order_items',
      }),
    ]
    const decoder = decoderFor(writer, [spaced, dashed])
    await decoder.prepare(records)
    expect(records.map((record) => (decoder.decode(record) as { change: object } | undefined)?.change)).toMatchObject([
      { table: spaced, row: [1n, 'a'] },
      { table: dashed, row: [1n, 7] },
      undefined as never,
    ])
  })

  test('of a writer that had other columns: absent ones are undefined, further ones ignored', async () => {
    const writer = new DebeziumWriter()
    const older = contract('items', [
      column('gone', { name: 'text', array: true }),
      column('id', 'int4'),
      column('t', 'text'),
    ])
    const record = writer.change(writer.add(envelopeSchema(older)), older, {
      op: 'u',
      after: { gone: ['a', null], id: 3, t: 'x' },
    })
    // `id` was widened since.
    expect(await decodeOne(writer, items, record)).toMatchObject({ change: { row: [3n, undefined, 'x'] } })
  })

  test('of a column that became another type stop the reader by name', async () => {
    const writer = new DebeziumWriter()
    const older = contract('items', [
      column('id', 'int8'),
      column('n', 'text', { nullable: true }),
      column('t', 'text'),
    ])
    const record = writer.change(writer.add(envelopeSchema(older)), older, {
      op: 'u',
      after: { id: 3n, n: 'x', t: 'x' },
    })
    const decoder = decoderFor(writer, [items])
    await decoder.prepare([record])
    expect(codeOf(() => decoder.decode(record))).toBe(
      'RECORD_UNDECODABLE The log record at offset 0 (schema 1) cannot be decoded: public.items.n: the record has string, the contract says int4.',
    )
    const reader = decoderFor(writer, [{ contract: items, columns: ['t'], form: 'carried' }])
    await reader.prepare([record])
    expect(reader.decode(record)).toMatchObject({ change: { row: [3n, undefined, 'x'] } })
  })
})

describe('unchanged values', () => {
  const array = (name: ScalarType): ColumnType => ({ name, array: true })
  const cases: [ColumnType, unknown][] = [
    [{ name: 'text', array: false }, token],
    [{ name: 'varchar', array: false }, token],
    [{ name: 'numeric', array: false }, token],
    [{ name: 'jsonb', array: false }, token],
    [{ name: 'bytea', array: false }, Buffer.from(token)],
    [array('text'), [token]],
    [array('jsonb'), [token]],
    [array('bytea'), [Buffer.from(token)]],
    [array('int4'), [...Buffer.from(token)]],
    [array('date'), [...Buffer.from(token)]],
    [array('int8'), [...Buffer.from(token)].map(BigInt)],
    [array('uuid'), [tokenUuid]],
  ]

  test.each(cases)('%o', async (type, written) => {
    for (const nullable of [true, false]) {
      const table = contract('t', [column('id', 'int4'), column('v', type, { nullable, unchangeable: true })])
      const writer = new DebeziumWriter()
      const record = writer.change(writer.add(envelopeSchema(table)), table, { op: 'u', after: { id: 1, v: written } })
      expect(await decodeOne(writer, table, record)).toMatchObject({ change: { row: [1, unchanged] } })
    }
  })

  test('that only look alike are values', async () => {
    const table = contract('t', [
      column('id', 'int4'),
      column('v', array('int4')),
      column('w', array('text')),
      column('x', 'text'),
    ])
    const writer = new DebeziumWriter()
    const spelled = [...Buffer.from(token)]
    const after = { id: 1, v: [...spelled, 1], w: [token, token], x: `${token.slice(0, -1)}0` }
    const record = writer.change(writer.add(envelopeSchema(table)), table, { op: 'u', after })
    expect(await decodeOne(writer, table, record)).toMatchObject({ change: { row: Object.values(after) } })
  })

  test('stop the reader where the contract says that every update has the value', async () => {
    const table = contract('t', [column('id', 'int4'), column('v', 'text')])
    const writer = new DebeziumWriter()
    const record = writer.change(writer.add(envelopeSchema(table)), table, { op: 'u', after: { id: 1, v: token } })
    const decoder = decoderFor(writer, [table])
    await decoder.prepare([record])
    expect(codeOf(() => decoder.decode(record))).toContain('public.t.v: unchanged by the update, and the contract says')
  })

  test('of a key are taken from before', async () => {
    const table = contract('t', [column('id', 'text'), column('n', 'int4')])
    const writer = new DebeziumWriter()
    const record = writer.change(writer.add(envelopeSchema(table)), table, {
      op: 'u',
      before: { id: 'a long key', n: 0 },
      after: { id: token, n: 2 },
    })
    expect(await decodeOne(writer, table, record)).toMatchObject({ change: { row: ['a long key', 2] } })
  })
})

describe('values that Debezium writes as others', () => {
  const of = async (type: ColumnType, written: unknown, form: 'typed' | 'carried' = 'typed') => {
    const table = contract('t', [column('id', 'int4'), column('v', type)])
    const writer = new DebeziumWriter()
    const record = writer.change(writer.add(envelopeSchema(table)), table, { op: 'c', after: { id: 1, v: written } })
    const decoder = decoderFor(writer, [{ contract: table, columns: ['v'], form }])
    await decoder.prepare([record])
    const event = decoder.decode(record)
    return event?.kind === 'change' ? event.change.row[1] : undefined
  }
  const scalar = (name: ScalarType): ColumnType => ({ name, array: false })

  test('infinities and NaN', async () => {
    expect(await of(scalar('date'), 2_146_033_979)).toBe('infinity')
    expect(await of(scalar('date'), -2_147_472_691)).toBe('-infinity')
    expect(await of(scalar('date'), -622_191_234)).toBe('infinity')
    expect(await of(scalar('timestamp'), 2n ** 63n - 1n)).toBe('infinity')
    expect(await of(scalar('timestamp'), -(2n ** 63n))).toBe('-infinity')
    expect(await of(scalar('timestamptz'), 'infinity')).toBe('infinity')
    expect(await of(scalar('numeric'), 'NAN', 'carried')).toBe('NaN')
    expect(await of(scalar('numeric'), 'NEGATIVE_INFINITY', 'carried')).toBe('-Infinity')
    expect(String(await of(scalar('numeric'), 'POSITIVE_INFINITY'))).toBe('Infinity')
  })

  test('a timestamp that overflowed is refused', async () => {
    await expect(of(scalar('timestamp'), -9_223_372_036_853_775_810n)).rejects.toThrow('after 294247-01-10')
  })

  test('numeric is exact, and stays its text where nobody computes with it', async () => {
    const digits = '123456789012345678901234567890.120'
    expect(await of(scalar('numeric'), digits, 'carried')).toBe(digits)
    const decimal = (await of(scalar('numeric'), digits)) as Decimal
    expect(decimal).toBeInstanceOf(Decimal)
    expect(decimal.toFixed(3)).toBe(digits)
  })
})

describe('other records', () => {
  const writer = new DebeziumWriter()
  const transaction = writer.add(transactionSchema)
  const notification = writer.add(notificationSchema)
  const message = writer.add(messageSchema)
  const heartbeat = writer.add({
    type: 'record',
    name: 'Heartbeat',
    namespace: 'io.debezium.connector.common',
    fields: [{ name: 'ts_ms', type: 'long' }],
  })
  const decode = (record: LogRecord) => decodeOne(writer, ordersContract, record)
  const notice = (about: string, type: string, more: Record<string, string>) =>
    writer.record(notification, { id: 'load-1', type, aggregate_type: about, additional_data: more, timestamp: 1n })

  test('BEGIN and END', async () => {
    const begin = { status: 'BEGIN', id: '4108:315612744', event_count: null, data_collections: null, ts_ms: 5n }
    expect(await decode(writer.record(transaction, begin))).toEqual({ kind: 'begin', transaction: '4108' })
    const end = {
      status: 'END',
      id: '4108:315613640',
      event_count: 3n,
      data_collections: [{ data_collection: 'public.orders', event_count: 3n }],
      ts_ms: 1_795_464_894_515n,
    }
    expect(await decode(writer.record(transaction, end))).toEqual({
      kind: 'end',
      transaction: '4108',
      lsn: 315_613_640n,
      counts: new Map([['public.orders', 3]]),
      commitTimeMs: 1_795_464_894_515,
    })
  })

  test.each([
    ['Initial Snapshot', 'STARTED', {}, 'initial started '],
    ['Initial Snapshot', 'DATA_COLLECTIONS_RESOLVED', {}, 'nothing'],
    ['Initial Snapshot', 'SKIPPED', {}, 'nothing'],
    ['Initial Snapshot', 'COMPLETED', {}, 'initial completed '],
    [
      'Incremental Snapshot',
      'STARTED',
      { data_collections: 'public.a,public.b' },
      'incremental started public.a,public.b',
    ],
    [
      'Incremental Snapshot',
      'IN_PROGRESS',
      { current_collection_in_progress: 'public.a', data_collections: 'public.a,public.b' },
      'incremental progress public.a',
    ],
    [
      'Incremental Snapshot',
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'SUCCEEDED' },
      'incremental table-done public.a',
    ],
    [
      'Incremental Snapshot',
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'EMPTY' },
      'incremental table-done public.a',
    ],
    // The scan failed, and COMPLETED would come all the same.
    [
      'Incremental Snapshot',
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'SQL_EXCEPTION' },
      'incremental aborted public.a',
    ],
    ['Incremental Snapshot', 'ABORTED', {}, 'incremental aborted '],
    ['Schema Snapshot', 'STARTED', {}, 'nothing'],
  ] as const)('notice %s %s %o', async (about, type, more, expected) => {
    const event = await decode(notice(about, type, { connector_name: 'shop', ...more }))
    const said = event?.kind === 'snapshot' ? `${event.scope} ${event.status} ${event.tables}` : 'nothing'
    expect(said).toBe(expected)
  })

  test('the identity in the heartbeat, and no message of others', async () => {
    const text = '{"systemIdentifier" : "7711460499638670896", "timeline" : 1}'
    const say = (prefix: string, content: string) =>
      decode(
        writer.record(message, {
          op: 'm',
          ts_ms: 1n,
          message: { prefix, content: Buffer.from(content) },
          transaction: { id: '3199:81340536' },
        }),
      )
    expect(await say('millrace', text)).toEqual({
      kind: 'identity',
      transaction: '3199',
      identity: { systemIdentifier: '7711460499638670896', timeline: 1 },
    })
    expect(await say('other', text)).toBeUndefined()
    expect(await say('millrace', 'not json')).toBeUndefined()
    expect(await say('millrace', 'null')).toBeUndefined()
  })

  test('heartbeats and schemas of no record are skipped', async () => {
    expect(await decode(writer.record(heartbeat, { ts_ms: 1n }))).toBeUndefined()
    expect(await decode(writer.record(writer.add('string'), 'x'))).toBeUndefined()
  })

  test('the registry being away is its own error, and asking again is possible', async () => {
    let away = true
    const record = writer.record(transaction, {
      status: 'BEGIN',
      id: '1:1',
      event_count: null,
      data_collections: null,
      ts_ms: 1n,
    })
    const decoder = debeziumLogDecoder({
      tables: [],
      placeholder: token,
      fetchSchema: async (id) => {
        if (away) throw new Error('registry is away')
        return writer.schemas.get(id)
      },
    })
    await expect(decoder.prepare([record])).rejects.toThrow('registry is away')
    expect(codeOf(() => decoder.decode(record))).toContain('RECORD_UNDECODABLE')
    away = false
    await decoder.prepare([record])
    expect(decoder.decode(record)).toEqual({ kind: 'begin', transaction: '1' })
  })
})

/** A value of a type as avsc writes it, and as the decoder must give it. */
function valuesOf(name: ScalarType): fc.Arbitrary<{ written: unknown; read: unknown }> {
  const same = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary.map((value) => ({ written: value, read: value }))
  switch (name) {
    case 'bool':
      return same(fc.boolean())
    case 'int2':
      return same(fc.integer({ min: -32_768, max: 32_767 }))
    case 'int4':
      return same(fc.integer())
    case 'int8':
      return same(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    case 'float4':
      return same(fc.float())
    case 'float8':
      return same(fc.double())
    case 'bytea':
      return fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => ({ written: Buffer.from(bytes), read: new Uint8Array(bytes) }))
    case 'numeric':
      return fc.bigInt().map((digits) => ({ written: `${digits}.50`, read: `${digits}.50` }))
    case 'date':
      return fc.integer({ min: -719_162, max: 2_932_896 }).map((days) => ({
        written: days,
        read: new Date(days * 86_400_000).toISOString().slice(0, 10),
      }))
    case 'time':
      return fc.integer({ min: 0, max: 86_399_999 }).map((millis) => ({
        written: BigInt(millis) * 1000n + 7n,
        read: `${new Date(millis).toISOString().slice(11, 23)}007`,
      }))
    case 'timestamp':
      return fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }).map((millis) => ({
        written: BigInt(millis) * 1000n + 7n,
        read: `${new Date(millis).toISOString().slice(0, 23)}007`,
      }))
    case 'timestamptz':
      return fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }).map((millis) => ({
        written: new Date(millis).toISOString(),
        read: new Date(millis).toISOString().replace('Z', '000Z'),
      }))
    case 'interval':
      return fc.constantFrom(
        { written: 'P0Y0M0DT0H0M0S', read: 'PT0S' },
        { written: 'P-1Y-2M3DT-4H0M-6.000001S', read: 'P-1Y-2M3DT-4H-6.000001S' },
        { written: 'P0Y0M10DT20H0M0.5S', read: 'P10DT20H0.5S' },
      )
    default:
      return same(fc.string({ unit: 'binary', maxLength: 40 }))
  }
}

const columnArbitrary = fc
  .record({
    name: fc.constantFrom(...scalarTypes),
    array: fc.boolean(),
    nullable: fc.boolean(),
    wanted: fc.boolean(),
  })
  .filter(({ name, array }) => !array || !['interval', 'time', 'enum'].includes(name))

const rowArbitrary = fc
  .array(columnArbitrary, { minLength: 1, maxLength: 8 })
  .chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      values: fc.tuple(
        ...columns.map(({ name, array, nullable }) => {
          const scalar = valuesOf(name)
          const value: fc.Arbitrary<{ written: unknown; read: unknown }> = array
            ? fc.array(fc.option(scalar, { nil: { written: null, read: null } }), { maxLength: 5 }).map((items) => ({
                written: items.map(({ written }) => written),
                read: items.map(({ read }) => read),
              }))
            : scalar
          return nullable ? fc.option(value, { nil: { written: null, read: null } }) : value
        }),
      ),
      nullLast: fc.boolean(),
    }),
  )
  .map(({ columns, values, nullLast }) => {
    const table = contract('rows', [
      column('id', 'int4'),
      ...columns.map(({ name, array, nullable }, index) =>
        column(`c${index}`, { name, array }, { nullable, unchangeable: true }),
      ),
    ])
    const after = Object.fromEntries([['id', 1], ...values.map(({ written }, index) => [`c${index}`, written])])
    const wanted = columns.flatMap((own, index) => (own.wanted ? [`c${index}`] : []))
    const row = [1, ...values.map(({ read }, index) => (columns[index]!.wanted ? read : undefined))]
    return { table, after, wanted, row, nullLast }
  })

describe('against bytes that avsc wrote', () => {
  test('any row of any columns is read as written', async () => {
    await fc.assert(
      fc.asyncProperty(rowArbitrary, async ({ table, after, wanted, row, nullLast }) => {
        const writer = new DebeziumWriter()
        const id = writer.add(envelopeSchema(table, nullLast))
        const record = writer.change(id, table, { op: 'u', after, transaction: { id: '77:1' }, lsn: 2n ** 60n })
        const decoder = decoderFor(writer, [{ contract: table, columns: wanted, form: 'carried' }])
        await decoder.prepare([record])
        expect(decoder.decode(record)).toEqual({
          kind: 'change',
          transaction: '77',
          lsn: 2n ** 60n,
          change: { table, op: 'update', row },
        })
      }),
      { numRuns: 150 },
    )
  })

  test('broken bytes never do more than refuse the record', async () => {
    await fc.assert(
      fc.asyncProperty(
        rowArbitrary,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
        fc.nat(),
        async ({ table, after, nullLast }, edits, cut) => {
          const writer = new DebeziumWriter()
          const id = writer.add(envelopeSchema(table, nullLast))
          const bytes = Buffer.from(writer.change(id, table, { op: 'u', before: after, after }).value!)
          for (const [at, byte] of edits) bytes[5 + (at % (bytes.length - 5))] = byte
          const record = writer.bytes(bytes.subarray(0, Math.max(5, bytes.length - (cut % bytes.length))))
          const decoder = decoderFor(writer, [table])
          await decoder.prepare([record])
          expect(codeOf(() => decoder.decode(record))).toMatch(/^(no error|RECORD_UNDECODABLE)/)
        },
      ),
      { numRuns: 250 },
    )
  })

  test('any bytes at all, under any of the schemas', async () => {
    const writer = new DebeziumWriter()
    const ids = [
      writer.add(envelopeSchema(ordersContract)),
      writer.add(transactionSchema),
      writer.add(notificationSchema),
      writer.add(messageSchema),
      writer.add({ type: 'record', name: 'Loop', namespace: 'x.Notification', fields: [] }),
    ]
    // Refers to itself without end.
    const endless = writer.schemas.size + 1
    writer.schemas.set(endless, {
      type: 'record',
      name: 'Notification',
      namespace: 'x',
      fields: [{ name: 'id', type: 'Notification' }],
    })
    const hollow = endless + 1
    writer.schemas.set(hollow, {
      type: 'record',
      name: 'Notification',
      namespace: 'x',
      fields: [{ name: 'a', type: { type: 'array', items: 'null' } }],
    })
    const unknown = hollow + 1
    writer.schemas.set(unknown, { type: 'record', name: 'X', fields: [{ name: 'a', type: 'Nowhere' }] })
    const decoder = decoderFor(writer, [ordersContract])
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ids, endless, hollow, unknown),
        fc.uint8Array({ maxLength: 200 }),
        fc.boolean(),
        async (id, body, header) => {
          const head = Buffer.alloc(5)
          head.writeInt32BE(id, 1)
          const record = writer.bytes(header ? Buffer.concat([head, body]) : Buffer.from(body))
          try {
            await decoder.prepare([record])
          } catch {
            return
          }
          expect(codeOf(() => decoder.decode(record))).toMatch(/^(no error|RECORD_UNDECODABLE)/)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
