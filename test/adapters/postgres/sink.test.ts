import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresConnection } from '../../../src/adapters/postgres/connection.ts'
import { type PostgresSinkOptions, postgresSyncSink } from '../../../src/adapters/postgres/sink.ts'
import { postgresSinkDatabase } from '../../../src/adapters/postgres/target.ts'
import type { ColumnType, ScalarType } from '../../../src/contract/table.ts'
import type { TargetTable } from '../../../src/contract/target-table.ts'
import { type ColumnValue, Decimal, unchanged } from '../../../src/contract/values.ts'
import type { SinkChange, SyncSink } from '../../../src/engine/ports.ts'
import { at, items, write } from '../sink-conformance.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { TestServer } from './server.ts'

describe('the Postgres sink', () => {
  let server: TestServer
  let connection: PostgresConnection
  beforeAll(async () => {
    server = await TestServer.start()
  }, 60_000)
  afterAll(() => server.stop(), 60_000)

  /** A sink on a new database, with the targets made by `sql` or, without, by apply. */
  async function open(
    targets: readonly TargetTable[],
    sql?: string,
    more: Partial<PostgresSinkOptions> = {},
  ): Promise<{ sink: SyncSink; epoch: bigint; options: PostgresSinkOptions }> {
    connection = await server.database()
    if (sql !== undefined) await server.query(connection, sql)
    const database = postgresSinkDatabase(connection)
    const report = await database.inspect({ sync: 'copy', targets })
    expect(report.problems).toEqual([])
    await database.apply(report.statements)
    await database.close()
    const options = { connection, sync: 'copy', source: 'shop', targets, ...more }
    const sink = postgresSyncSink(options)
    const { epoch } = await sink.takeOver()
    return { sink, epoch, options }
  }

  const query = (text: string) => server.query(connection, text)

  for (const when of ['before', 'after'] as const) {
    it(`settles a commit whose connection broke ${when} it arrived`, async () => {
      const { sink: direct, options } = await open([items])
      await direct.close()
      const proxy = await CuttingProxy.start(connection)
      const sink = postgresSyncSink({ ...options, connection: { ...connection, port: proxy.port } })
      const { epoch } = await sink.takeOver()
      const transaction = await sink.begin(epoch)
      await transaction.apply([item(1n, 'one')], 'together', 'target')
      proxy.cut(when)
      await expect(transaction.commit(at(4n))).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', retriable: true })
      await transaction.rollback()
      proxy.cut('never')
      const settled = await sink.takeOver()
      expect(settled.position).toEqual(when === 'after' ? at(4n) : null)
      expect(await query('SELECT id FROM shop.items')).toHaveLength(when === 'after' ? 1 : 0)
      await write(sink, settled.epoch, [item(2n, 'two')])
      await sink.close()
      await proxy.stop()
    })
  }

  it('is retriable when the connection breaks before the commit, and goes on with a new one', async () => {
    const { sink: direct, options } = await open([items])
    await direct.close()
    const proxy = await CuttingProxy.start(connection)
    const sink = postgresSyncSink({ ...options, connection: { ...connection, port: proxy.port } })
    const { epoch } = await sink.takeOver()
    const transaction = await sink.begin(epoch)
    proxy.dropAll()
    await expect(transaction.apply([item(1n, 'x')], 'together', 'target')).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      retriable: true,
    })
    await transaction.rollback()
    await write(sink, epoch, [item(1n, 'y')])
    await sink.close()
    await proxy.stop()
  })

  it('takes over from an owner that stopped in the middle of a transaction', async () => {
    const { sink, epoch, options } = await open([items], undefined, { patienceMs: 300 })
    const stuck = await sink.begin(epoch)
    await stuck.apply([item(1n, 'stuck')], 'together', 'target')
    const next = postgresSyncSink(options)
    const taken = await next.takeOver()
    expect(taken).toEqual({ epoch: epoch + 1n, position: null })
    await expect(stuck.commit(at(1n))).rejects.toMatchObject({ retriable: true })
    await stuck.rollback()
    expect(await query('SELECT FROM shop.items')).toEqual([])
    await write(next, taken.epoch, [item(2n, 'next')])
    await sink.close()
    await next.close()
  })

  it("starts from nothing when the position is another source's", async () => {
    const { sink, epoch, options } = await open([items])
    await write(sink, epoch, [item(1n, 'x')])
    await sink.close()
    const other = postgresSyncSink({ ...options, source: 'warehouse' })
    expect(await other.takeOver()).toEqual({ epoch: epoch + 1n, position: null })
    await other.close()
  })

  it('touches no row in which nothing differs', async () => {
    const { sink, epoch } = await open([everything])
    await write(sink, epoch, [whole(1)])
    const first = await versions('everything')
    await write(sink, epoch, [whole(1)])
    await write(sink, epoch, [
      { op: 'upsert', table: 0, values: whole(1).values.map((v, at) => (at === 8 ? unchanged : v)) },
    ])
    await write(sink, epoch, [whole(1)], 'inOrder')
    expect(await versions('everything')).toEqual(first)
    const staged = await sink.begin(epoch)
    await staged.clear('staging')
    await staged.apply([whole(1)], 'together', 'staging')
    await staged.mergeStaging()
    await staged.commit(at(2n))
    expect(await versions('everything')).toEqual(first)
    await write(sink, epoch, [
      { op: 'upsert', table: 0, values: whole(1).values.map((v, at) => (at === 1 ? false : v)) },
    ])
    expect(await versions('everything')).not.toEqual(first)
    await sink.close()
  })

  const versions = (table: string) => query(`SELECT xmin::text, ctid::text FROM shop.${table}`)

  it('keeps every value of every type as it was', async () => {
    const { sink, epoch } = await open([everything])
    await write(sink, epoch, [
      whole(1),
      { op: 'upsert', table: 0, values: [2, ...Array(everything.columns.length - 1).fill(null)] },
    ])
    const names = everything.columns.map(({ name }) => `"${name}"::text`)
    const [row, nulls] = await query(`SELECT ARRAY[${names}] AS texts FROM shop.everything ORDER BY id`)
    expect(row?.texts).toEqual(wholeTexts)
    expect((nulls!.texts as unknown[]).slice(1).every((text) => text === null)).toBe(true)
    await sink.close()
  })

  it('quotes names that look like SQL, and bounds those of staging', async () => {
    const long = 'ü'.repeat(31)
    const odd: TargetTable = {
      ...items,
      schema: 'Od"d; DROP',
      table: long,
      columns: items.columns.map((column, at) => ({ ...column, name: ['I d', 'n"a\'me', 'select', 'Q'][at]! })),
      key: ['I d'],
    }
    const { sink, epoch } = await open([odd, { ...odd, table: `${long}`.slice(0, 30) }])
    await write(sink, epoch, [item(1n, 'a'), upsert(1n, 'b', unchanged, 2)])
    const staged = await sink.begin(epoch)
    await staged.clear('staging')
    await staged.apply([item(2n, 'c')], 'together', 'staging')
    await staged.mergeStaging()
    await staged.commit(at(2n))
    expect(await query(`SELECT "I d"::int, "n""a'me" AS name FROM "Od""d; DROP"."${long}"`)).toEqual([
      { 'I d': 2, name: 'c' },
    ])
    await sink.close()
  })

  it('follows the source where constraints that cannot wait are in the way of sets', async () => {
    const sql = `CREATE SCHEMA shop;
      CREATE TABLE shop.chicken (id int8 PRIMARY KEY, name text UNIQUE, note text, qty int4);
      CREATE TABLE shop.egg (id int8 PRIMARY KEY, name text, note text, qty int8 REFERENCES shop.chicken);
      ALTER TABLE shop.chicken ALTER qty TYPE int8, ADD FOREIGN KEY (qty) REFERENCES shop.egg`
    const of = (table: string): TargetTable => ({
      ...items,
      table,
      columns: items.columns.map((column) => (column.name === 'qty' ? { ...column, type: type('int8') } : column)),
    })
    const { sink, epoch } = await open([of('chicken'), of('egg')], sql)
    const chicken = (id: bigint, name: string, egg: bigint | null): SinkChange => ({
      op: 'upsert',
      table: 0,
      values: [id, name, null, egg],
    })
    const egg = (id: bigint, hen: bigint | null): SinkChange => ({
      op: 'upsert',
      table: 1,
      values: [id, 'e', null, hen],
    })
    const circle = [chicken(1n, 'a', null), egg(1n, 1n), chicken(1n, 'a', 1n), chicken(2n, 'b', null)]
    await rejected(sink, epoch, [chicken(1n, 'a', 1n), egg(1n, 1n)], 'together')
    await write(sink, epoch, circle, 'inOrder')
    const swap = [chicken(1n, 'via', 1n), chicken(2n, 'a', null), chicken(1n, 'b', 1n)]
    const error = await rejected(sink, epoch, swap, 'together')
    expect(error).toMatchObject({
      code: 'SINK_CONSTRAINT',
      facts: { table: 'shop.chicken', constraint: 'chicken_name_key' },
    })
    await write(sink, epoch, swap, 'inOrder')
    expect(await query('SELECT name FROM shop.chicken ORDER BY id')).toEqual([{ name: 'b' }, { name: 'a' }])
    const both = { op: 'truncate' } as const
    await write(
      sink,
      epoch,
      [
        { ...both, table: 0 },
        { ...both, table: 1 },
      ],
      'inOrder',
    )
    expect(await query('SELECT FROM shop.egg')).toEqual([])
    await sink.close()
  })

  async function rejected(sink: SyncSink, epoch: bigint, changes: readonly SinkChange[], how: 'together' | 'inOrder') {
    const transaction = await sink.begin(epoch)
    const error = await transaction.apply(changes, how, 'target').then(
      () => undefined,
      (thrown) => thrown,
    )
    await transaction.rollback()
    expect(error).toBeDefined()
    return error
  }

  it('names the row by its key and keeps other values out of the message', async () => {
    const sql = `CREATE SCHEMA shop; CREATE TABLE shop.items (id int8 PRIMARY KEY, name text UNIQUE, note text,
      qty int4 CONSTRAINT positive CHECK (qty > 0), place text NOT NULL DEFAULT 'here')`
    const { sink, epoch } = await open([items], sql)
    await write(sink, epoch, [upsert(1n, 'private', null, 1)])
    const cases: [SinkChange, Record<string, unknown>][] = [
      [upsert(2n, 'private', null, 1), { constraint: 'items_name_key', reason: 'another row has the same name' }],
      [upsert(3n, 'x', 'private', -1), { constraint: 'positive', reason: 'its values do not pass the check' }],
    ]
    for (const [change, facts] of cases) {
      const error = await rejected(sink, epoch, [upsert(9n, 'fine', null, 1), change], 'inOrder')
      const id = change.op === 'upsert' ? String(change.values[0]) : ''
      expect(error).toMatchObject({
        code: 'SINK_CONSTRAINT',
        retriable: false,
        facts: { table: 'shop.items', row: `id=${id}`, ...facts },
      })
      expect(JSON.stringify(error)).not.toContain('private')
    }
    await sink.close()
  })

  it('tells apart what waiting heals, what a person must grant and what the data cannot do', async () => {
    const { sink, epoch, options } = await open([items])
    await expect(rejected(sink, epoch, [upsert(1n, 'x\0y', null, 1)], 'together')).resolves.toMatchObject({
      code: 'SINK_REFUSED',
    })
    await expect(rejected(sink, epoch, [upsert(1n, 'x', null, 3_000_000_000)], 'inOrder')).resolves.toMatchObject({
      code: 'SINK_REFUSED',
      facts: { table: 'shop.items (row id=1)' },
    })
    await query(`CREATE ROLE guest LOGIN PASSWORD 'g'; GRANT USAGE ON SCHEMA millrace, shop TO guest`)
    const guest = { ...connection, user: 'guest', password: 'g' }
    const as = (change: Partial<PostgresConnection>) =>
      postgresSyncSink({ ...options, connection: { ...guest, ...change } }).takeOver()
    await expect(as({})).rejects.toMatchObject({ code: 'SINK_PRIVILEGE' })
    await expect(as({ password: 'wrong' })).rejects.toMatchObject({ code: 'SINK_AUTH' })
    await expect(as({ database: 'nowhere' })).rejects.toMatchObject({ code: 'SINK_DATABASE_MISSING' })
    await expect(as({ port: 1 })).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retriable: true })
    const bare = await server.database()
    await server.query(
      bare,
      'CREATE SCHEMA shop; CREATE TABLE shop.items (id int8 PRIMARY KEY, name text, note text, qty int4)',
    )
    await expect(postgresSyncSink({ ...options, connection: bare }).takeOver()).rejects.toMatchObject({
      code: 'TARGET_MISSING',
      facts: { table: 'millrace.positions' },
    })
    await sink.close()
  })

  it('writes a hundred thousand changes in one transaction without holding them', async () => {
    const { sink, epoch } = await open([items])
    const transaction = await sink.begin(epoch)
    const before = heapAfterCollection()
    let grown = 0
    for (let from = 0; from < 100_000; from += 5_000) {
      const changes = Array.from({ length: 5_000 }, (_, at) =>
        upsert(BigInt(from + at), `n${at}`, `${at}${'x'.repeat(2_000)}`, at),
      )
      await transaction.apply(changes, 'together', 'target')
      grown = Math.max(grown, heapAfterCollection() - before)
    }
    await transaction.commit(at(2n))
    expect(await query('SELECT count(*)::int AS count FROM shop.items')).toEqual([{ count: 100_000 }])
    // All rows together are 200 MB; one call's are 10.
    expect(grown).toBeLessThan(60_000_000)
    await sink.close()
  }, 120_000)
})

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

function type(name: ScalarType, more: Partial<ColumnType> = {}): ColumnType {
  return { name, array: false, ...more }
}

function upsert(id: bigint, ...rest: ColumnValue[]): SinkChange & { readonly op: 'upsert' } {
  return { op: 'upsert', table: 0, values: [id, ...rest] }
}

function item(id: bigint, name: string): SinkChange {
  return upsert(id, name, null, 1)
}

const mood = { schema: 'public', name: 'mo"od', values: ['fine', "it's", 'a,b'] }

/** Column type, value, and the text Postgres gives back. */
const samples: readonly [ColumnType, ColumnValue, string][] = [
  [type('int4'), 1, '1'],
  [type('bool'), true, 'true'],
  [type('int2'), -32768, '-32768'],
  [type('int8'), -9_223_372_036_854_775_808n, '-9223372036854775808'],
  [type('float4'), Math.fround(0.1), '0.1'],
  [type('float8'), -0, '-0'],
  [type('numeric'), new Decimal('1.500'), '1.5'],
  [type('numeric', { precision: 30, scale: 10 }), '12345678901234567890.1234567890', '12345678901234567890.1234567890'],
  [type('text'), 'NULL {"a\\b"},\n\t\u{1f600}', 'NULL {"a\\b"},\n\t\u{1f600}'],
  [type('varchar', { length: 5 }), '', ''],
  [type('bpchar', { length: 4 }), 'ab', 'ab'],
  [type('bytea'), new Uint8Array([0, 255, 92]), '\\x00ff5c'],
  [type('date'), '2024-02-29', '2024-02-29'],
  [type('time'), '23:59:59.999999', '23:59:59.999999'],
  [type('timestamp'), '2024-02-29T12:00:00.000001', '2024-02-29 12:00:00.000001'],
  [type('timestamptz'), 'infinity', 'infinity'],
  [type('interval'), 'P1Y2M3DT4H5M6.000007S', '1 year 2 mons 3 days 04:05:06.000007'],
  [type('uuid'), '00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000a'],
  [type('json'), '{"b": 1.50,  "a":"\\u00e9"}', '{"b": 1.50,  "a":"\\u00e9"}'],
  [type('jsonb'), '{"b": 1.50, "a": 1}', '{"a": 1, "b": 1.50}'],
  [type('enum', { enum: mood }), "it's", "it's"],
  [type('int4', { array: true }), [1, null, -3], '{1,NULL,-3}'],
  [type('text', { array: true }), ['a"b', null, 'NULL', '', 'c\\,d'], '{"a\\"b",NULL,"NULL","","c\\\\,d"}'],
  [type('enum', { array: true, enum: mood }), ['a,b', 'fine'], '{"a,b",fine}'],
  [type('bytea', { array: true }), [new Uint8Array([1])], '{"\\\\x01"}'],
  [type('numeric', { array: true, precision: 6, scale: 2 }), [new Decimal('1.5')], '{1.50}'],
  [type('int8', { array: true }), [], '{}'],
]

const everything: TargetTable = {
  schema: 'shop',
  table: 'everything',
  columns: samples.map(([type, ,], at) => ({ name: at === 0 ? 'id' : `C ${at}`, type, nullable: at > 0 })),
  key: ['id'],
  foreignKeys: [],
  uniques: [],
}

function whole(id: number): SinkChange & { readonly op: 'upsert' } {
  return { op: 'upsert', table: 0, values: [id, ...samples.slice(1).map(([, value]) => value)] }
}

const wholeTexts = samples.map(([, , text]) => text)
