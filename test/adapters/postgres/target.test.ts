import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresConnection } from '../../../src/adapters/postgres/connection.ts'
import { postgresSyncSink } from '../../../src/adapters/postgres/sink.ts'
import { postgresSinkDatabase } from '../../../src/adapters/postgres/target.ts'
import type { ColumnType, ScalarType } from '../../../src/contract/table.ts'
import type { TargetTable } from '../../../src/contract/target-table.ts'
import type { SinkReport } from '../../../src/project/ports.ts'
import { at } from '../sink-conformance.ts'
import { TestServer } from './server.ts'

const status = { schema: 'public', name: 'order_status', values: ['draft', 'placed'] }

const orders: TargetTable = {
  schema: 'Shop',
  table: 'orders',
  columns: [
    column('id', 'int8', false),
    column('number', 'varchar', false, { length: 20 }),
    column('net', 'numeric', true, { precision: 12, scale: 2 }),
    column('status', 'enum', false, { enum: status }),
    column('history', 'enum', true, { enum: status, array: true }),
    column('placed', 'timestamptz', true),
    column('parent', 'int8', true),
  ],
  key: ['id'],
  foreignKeys: [foreignKey('orders_parent_fkey', 'parent', 'orders', 'id')],
  uniques: [['number']],
}

const orderItems: TargetTable = {
  schema: 'Shop',
  table: 'order_items',
  columns: [
    column('order_id', 'int8', false),
    column('line', 'int4', false),
    column('number', 'varchar', true, { length: 20 }),
  ],
  key: ['order_id', 'line'],
  foreignKeys: [
    foreignKey('items_order_fkey', 'order_id', 'orders', 'id'),
    foreignKey('items_number_fkey', 'number', 'orders', 'number'),
  ],
  uniques: [
    ['line', 'order_id'],
    ['line', 'number'],
  ],
}

describe('the sink database, as plan and apply see it', () => {
  let server: TestServer
  let connection: PostgresConnection
  beforeAll(async () => {
    server = await TestServer.start()
  }, 60_000)
  afterAll(() => server.stop(), 60_000)

  async function inspect(targets: readonly TargetTable[], as: Partial<PostgresConnection> = {}): Promise<SinkReport> {
    const database = postgresSinkDatabase({ ...connection, ...as })
    try {
      return await database.inspect({ sync: 'copy', targets })
    } finally {
      await database.close()
    }
  }

  async function apply(report: SinkReport): Promise<void> {
    const database = postgresSinkDatabase(connection)
    await database.apply(report.statements)
    await database.close()
  }

  const present = async (sql: string) => {
    connection = await server.database()
    await server.query(connection, `CREATE SCHEMA "Shop"; ${sql}`)
  }

  it('shows the SQL of everything that is missing, runs it, and then has nothing to do', async () => {
    connection = await server.database()
    const report = await inspect([orderItems, orders])
    expect(report.problems).toEqual([])
    expect(report.statements.map(({ title }) => title)).toEqual([
      'create schema millrace',
      'create table millrace.positions',
      'create schema millrace_staging',
      'create schema Shop',
      'create type Shop.order_status',
      'create table Shop.order_items',
      'create table Shop.orders',
      'add foreign key items_order_fkey of Shop.order_items to Shop.orders',
      'create index order_items_number_idx on Shop.order_items',
      'add foreign key items_number_fkey of Shop.order_items to Shop.orders',
      'create index orders_parent_idx on Shop.orders',
      'add foreign key orders_parent_fkey of Shop.orders to Shop.orders',
    ])
    await apply(report)
    const again = await inspect([orderItems, orders])
    expect(again.problems).toEqual([])
    expect(again.statements).toEqual([])
    expect(again.present.map(({ table }) => table).sort()).toEqual(['order_items', 'orders'])
    const constraints = await server.query(
      connection,
      `SELECT conname AS name, condeferrable AS waits FROM pg_constraint
WHERE conrelid IN ('"Shop".orders'::regclass, '"Shop".order_items'::regclass) AND contype IN ('p', 'u', 'f') ORDER BY 1`,
    )
    expect(constraints).toEqual([
      { name: 'items_number_fkey', waits: true },
      { name: 'items_order_fkey', waits: true },
      { name: 'order_items_line_number_key', waits: true },
      { name: 'order_items_pkey', waits: false },
      // A foreign key refers to it, so that it cannot wait.
      { name: 'orders_number_key', waits: false },
      { name: 'orders_parent_fkey', waits: true },
      { name: 'orders_pkey', waits: false },
    ])
  })

  it('keeps nothing of an apply that fails in the middle', async () => {
    connection = await server.database()
    const report = await inspect([orders])
    const database = postgresSinkDatabase(connection)
    const broken = [...report.statements, { title: 'break', sql: 'SELECT 1 / 0' }]
    await expect(database.apply(broken)).rejects.toMatchObject({ code: 'SINK_REFUSED' })
    await database.close()
    expect((await inspect([orders])).statements).toEqual(report.statements)
  })

  it('takes tables that are there, wider and with more columns', async () => {
    await present(`CREATE TABLE "Shop".orders (id numeric PRIMARY KEY, number text, net numeric, status text, history text[],
      placed timestamptz, parent int8, at timestamptz NOT NULL DEFAULT now(), n int8 GENERATED ALWAYS AS IDENTITY)`)
    const report = await inspect([orders])
    expect(report.problems).toEqual([])
    expect(report.statements.map(({ title }) => title)).not.toContain('create table Shop.orders')
  })

  it('gives an enum of its own the labels it lacks', async () => {
    connection = await server.database()
    await apply(await inspect([orders]))
    const values = ['new', 'draft', 'between', 'placed', 'done']
    const columns = orders.columns.map((old) =>
      old.type.enum ? { ...old, type: { ...old.type, enum: { ...status, values } } } : old,
    )
    const report = await inspect([{ ...orders, columns }])
    expect(report.problems).toEqual([])
    expect(report.statements).toHaveLength(3)
    await apply(report)
    const [labels] = await server.query(connection, `SELECT enum_range(NULL::"Shop".order_status)::text AS labels`)
    expect(labels?.labels).toBe('{new,draft,between,placed,done}')
    expect((await inspect([{ ...orders, columns }])).statements).toEqual([])
  })

  it.each([
    ['id int4 PRIMARY KEY', 'TARGET_COLUMN_TYPE', 'Shop.orders is integer'],
    ['number varchar(19)', 'TARGET_COLUMN_TYPE', 'keeps 19 characters'],
    ['net numeric(12,1)', 'TARGET_COLUMN_TYPE', '1 digits after the point'],
    ['net numeric(11,2)', 'TARGET_COLUMN_TYPE', '9 digits before the point'],
    ['net float8', 'TARGET_COLUMN_TYPE', 'the types differ'],
    ['status "Shop".other', 'TARGET_COLUMN_TYPE', 'lacks placed'],
    ['history text', 'TARGET_COLUMN_TYPE', 'no array'],
    ['placed timestamptz(3)', 'TARGET_COLUMN_TYPE', '3 digits of a second'],
    ['placed timestamp', 'TARGET_COLUMN_TYPE', 'the types differ'],
    ['parent int8 GENERATED ALWAYS AS (1) STORED', 'TARGET_COLUMN_TYPE', 'generated'],
    ['parent int8 NOT NULL', 'TARGET_NOT_NULL', 'the source allows NULL'],
    ['more int8 NOT NULL', 'TARGET_NOT_NULL', 'gives it no value'],
    ['parent', 'TARGET_COLUMN_MISSING', 'ADD COLUMN "parent" int8'],
    ['id int8 UNIQUE DEFERRABLE', 'TARGET_KEY', 'ADD UNIQUE ("id")'],
    ['id int8 UNIQUE NULLS NOT DISTINCT', undefined, ''],
  ])('checks columns: %s → %s', async (change, code, told) => {
    const columns = new Map([
      ['id', 'id int8 PRIMARY KEY'],
      ['number', 'number varchar(20)'],
      ['net', 'net numeric(12,2)'],
      ['status', 'status varchar(6)'],
      ['history', 'history text[]'],
      ['placed', 'placed timestamptz'],
      ['parent', 'parent int8'],
    ])
    const name = change.split(' ')[0]!
    if (name === change) columns.delete(name)
    else columns.set(name, change)
    await present(
      `CREATE TYPE "Shop".other AS ENUM ('draft'); CREATE TABLE "Shop".orders (${[...columns.values()].join(', ')})`,
    )
    const { problems } = await inspect([orders])
    expect(problems.map((problem) => problem.code)).toEqual(code === undefined ? [] : [code])
    if (code !== undefined) expect(`${problems[0]?.message} ${problems[0]?.remedy}`).toContain(told)
  })

  it('refuses a view in the place of a target', async () => {
    await present('CREATE VIEW "Shop".orders AS SELECT 1 AS id')
    const { problems } = await inspect([orders])
    expect(problems).toMatchObject([{ code: 'TARGET_KIND', facts: { what: 'a view' } }])
  })

  it('says which privileges the role lacks, and that they are enough once granted', async () => {
    await present(`CREATE TABLE "Shop".orders (id int8 PRIMARY KEY, number text, net numeric, status text, history text[],
      placed timestamptz, parent int8); CREATE ROLE writer LOGIN PASSWORD 'w'`)
    const writer = { user: 'writer', password: 'w' }
    for (let round = 0; round < 3; round++) {
      const { problems, statements } = await inspect([orders], writer)
      if (problems.length === 0) {
        const database = postgresSinkDatabase({ ...connection, ...writer })
        await database.apply(statements)
        await database.close()
        break
      }
      expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['SINK_PRIVILEGE']))
      for (const { facts } of problems) await server.query(connection, String(facts.grant))
    }
    const sink = postgresSyncSink({
      connection: { ...connection, ...writer },
      sync: 'copy',
      source: 's',
      targets: [orders],
    })
    const { epoch } = await sink.takeOver()
    const transaction = await sink.begin(epoch)
    await transaction.clear('staging')
    await transaction.mergeStaging()
    await transaction.commit(at(1n))
    await sink.close()
  })

  it('reads positions, and forgets a sync with its staging', async () => {
    connection = await server.database()
    const database = postgresSinkDatabase(connection)
    expect(await database.positions()).toEqual([])
    await apply(await inspect([orders]))
    const sink = postgresSyncSink({ connection, sync: 'copy', source: 'shop', targets: [orders] })
    const { epoch } = await sink.takeOver()
    const transaction = await sink.begin(epoch)
    await transaction.clear('staging')
    await transaction.commit(at(8n))
    await sink.close()
    expect(await database.positions()).toMatchObject([{ sync: 'copy', source: 'shop', epoch: 1n, position: at(8n) }])
    const { removal } = await inspect([])
    expect(removal.map(({ title }) => title)).toEqual([
      'drop table millrace_staging.copy:Shop.orders',
      'forget the position of copy',
    ])
    await database.apply(removal)
    expect(await database.positions()).toEqual([])
    expect((await inspect([orders])).removal).toEqual([])
    await database.close()
  })

  it('reports a database that cannot be reached', async () => {
    const report = await inspect([orders], { port: 1 })
    expect(report.problems).toMatchObject([{ code: 'SINK_UNAVAILABLE' }])
    expect(report.statements).toEqual([])
  })
})

function column(name: string, scalar: ScalarType, nullable: boolean, more: Partial<ColumnType> = {}) {
  return { name, type: { name: scalar, array: false, ...more }, nullable }
}

function foreignKey(name: string, from: string, table: string, to: string) {
  return { name, columns: [from], references: { schema: 'Shop', table, columns: [to] } }
}
