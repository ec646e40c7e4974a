import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostgresConnection } from '../../../src/adapters/postgres/connection.ts'
import { postgresSourceDatabase } from '../../../src/adapters/postgres/source.ts'
import type { SourceNeeds, SourceReport } from '../../../src/project/ports.ts'
import { TestServer } from './server.ts'

const needs: SourceNeeds = {
  source: 'shop',
  tables: ['public.customers', 'public.Mixed Case'],
  slot: 'millrace_shop',
  publication: 'millrace_shop',
}

describe('the source database, as plan sees it', () => {
  let server: TestServer
  let admin: PostgresConnection
  beforeAll(async () => {
    server = await TestServer.start()
  }, 60_000)
  afterAll(() => server.stop(), 60_000)

  async function shop(): Promise<PostgresConnection> {
    admin = await server.database()
    await server.query(
      admin,
      `CREATE TABLE customers (id int8 PRIMARY KEY, name text);
       CREATE TABLE "Mixed Case" (a int4, b int4, PRIMARY KEY (b, a));
       INSERT INTO customers SELECT g, 'x' FROM generate_series(1, 500) g; ANALYZE customers`,
    )
    return admin
  }

  async function inspect(connection: PostgresConnection, wanted: SourceNeeds = needs): Promise<SourceReport> {
    const database = postgresSourceDatabase(connection)
    try {
      return await database.inspect(wanted)
    } finally {
      await database.close()
    }
  }

  const codes = (report: SourceReport) => report.problems.map(({ code }) => code).sort()

  it('finds nothing wrong where nothing is, and knows the server', async () => {
    const report = await inspect(await shop())
    expect(codes(report)).toEqual([])
    expect(report.warnings).toEqual([])
    expect(report.identity?.systemIdentifier).toMatch(/^\d{10,}$/)
    expect(report.identity?.timeline).toBe(1)
    expect(report.tables).toMatchObject([
      { table: 'customers', key: ['id'], replicaIdentity: 'default', rowsEstimated: 500, partitioned: false },
      { table: 'Mixed Case', key: ['b', 'a'] },
    ])
    expect(report.slot).toBeNull()
    expect(report.publication).toBeNull()
    expect(report.removal).toEqual([])
  })

  it('makes the publication, changes it with the declaration, and then has nothing to do', async () => {
    const connection = await shop()
    const database = postgresSourceDatabase(connection)
    const first = await database.inspect(needs)
    expect(first.statements.map(({ sql }) => sql)).toEqual([
      `CREATE PUBLICATION "millrace_shop" FOR TABLE "public"."customers", "public"."Mixed Case" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`,
    ])
    await database.apply(first.statements)
    const second = await database.inspect(needs)
    expect(second.statements).toEqual([])
    expect(second.publication).toMatchObject({
      tables: ['public.Mixed Case', 'public.customers'],
      viaPartitionRoot: true,
    })
    await server.query(
      connection,
      `ALTER PUBLICATION millrace_shop SET TABLE customers (id) WHERE (id > 3); ALTER PUBLICATION millrace_shop SET (publish = 'insert')`,
    )
    const drifted = await database.inspect(needs)
    expect(drifted.statements).toHaveLength(2)
    await database.apply(drifted.statements)
    expect((await database.inspect(needs)).statements).toEqual([])
    await database.apply((await database.inspect(needs)).removal)
    expect((await database.inspect(needs)).publication).toBeNull()
    await database.close()
  })

  it('tells all problems together, each with what heals it', async () => {
    const connection = await shop()
    await server.query(
      connection,
      `CREATE TABLE nokey (a int4); CREATE UNLOGGED TABLE fleeting (a int4 PRIMARY KEY); CREATE VIEW seen AS SELECT 1 AS a;
       CREATE TABLE silent (a int4 PRIMARY KEY); ALTER TABLE silent REPLICA IDENTITY NOTHING;
       CREATE ROLE poor LOGIN PASSWORD 'poor'`,
    )
    const tables = [
      'public.custmers',
      'public.nokey',
      'public.fleeting',
      'public.seen',
      'public.silent',
      'public.customers',
    ]
    const report = await inspect({ ...connection, user: 'poor', password: 'poor' }, { ...needs, tables })
    expect(new Set(codes(report))).toEqual(
      new Set([
        'SOURCE_PUBLICATION_PRIVILEGE',
        'SOURCE_REPLICATION_PRIVILEGE',
        'SOURCE_REPLICA_IDENTITY',
        'SOURCE_SELECT_PRIVILEGE',
        'SOURCE_TABLE_KIND',
        'SOURCE_TABLE_MISSING',
        'SOURCE_TABLE_NO_KEY',
      ]),
    )
    const texts = report.problems.map(({ message, remedy }) => `${message} ${remedy}`).join('\n')
    expect(texts).toContain('did you mean public.customers?')
    expect(texts).toContain('ALTER ROLE "poor" REPLICATION;')
    expect(texts).toContain('GRANT SELECT ON "public"."customers" TO "poor";')
  })

  it('prints grants that are enough', async () => {
    const connection = await shop()
    await server.query(connection, `CREATE ROLE capture LOGIN PASSWORD 'c'`)
    const as = { ...connection, user: 'capture', password: 'c' }
    const before = await inspect(as)
    expect(before.problems.length).toBeGreaterThan(0)
    for (const { sql } of before.leastPrivilege) await server.query(connection, sql)
    const after = await inspect(as)
    expect(codes(after)).toEqual([])
    expect(after.statements).toEqual([])
  })

  it('knows its slot from a foreign one, and drops only its own', async () => {
    const other = await shop()
    await server.query(other, `SELECT pg_create_logical_replication_slot('millrace_shop', 'pgoutput')`)
    const own = await inspect(other)
    expect(own.slot).toMatchObject({
      database: other.database,
      plugin: 'pgoutput',
      active: false,
      walStatus: 'reserved',
    })
    expect(own.slot?.confirmedFlushLsn).toBeTypeOf('bigint')
    expect(own.slot?.keptBytes).toBeTypeOf('bigint')
    const here = await inspect(await shop())
    expect(codes(here)).toEqual(['SOURCE_SLOT_FOREIGN'])
    expect(here.problems[0]?.message).toContain(other.database)
    expect(here.removal).toEqual([])
    const database = postgresSourceDatabase(other)
    await database.apply(own.removal)
    expect((await database.inspect(needs)).slot).toBeNull()
    await database.close()
  })

  it('warns of slots that may fill the disk', async () => {
    const connection = await shop()
    await server.query(connection, 'ALTER SYSTEM SET max_slot_wal_keep_size = -1')
    await server.query(connection, 'SELECT pg_reload_conf(), pg_sleep(0.2)')
    const [setting] = await server.query(connection, 'SHOW max_slot_wal_keep_size')
    const report = await inspect(connection)
    await server.query(connection, 'ALTER SYSTEM RESET max_slot_wal_keep_size')
    await server.query(connection, 'SELECT pg_reload_conf(), pg_sleep(0.2)')
    const expected = setting?.max_slot_wal_keep_size === '-1' ? ['SOURCE_WAL_BUDGET'] : []
    expect(report.warnings.map(({ code }) => code)).toEqual(expected)
    expect(codes(report)).toEqual([])
  })

  it('sees that no slot is left', async () => {
    const connection = await shop()
    const [limit] = await server.query(connection, 'SHOW max_replication_slots')
    const names = Array.from({ length: Number(limit?.max_replication_slots) }, (_, at) => `filler_${at}`)
    for (const name of names) await server.query(connection, `SELECT pg_create_physical_replication_slot('${name}')`)
    const report = await inspect(connection)
    for (const name of names) await server.query(connection, `SELECT pg_drop_replication_slot('${name}')`)
    expect(codes(report)).toEqual(['SOURCE_SLOTS_FULL'])
  })

  it('says that host, database, role or password is wrong instead of throwing', async () => {
    const connection = await shop()
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => closed.once('listening', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    const unreachable = await inspect({ ...connection, port })
    expect(unreachable.problems).toMatchObject([{ code: 'SOURCE_UNREACHABLE', retriable: true, facts: { port } }])
    expect(codes(await inspect({ ...connection, database: 'nowhere' }))).toEqual(['SOURCE_DATABASE_MISSING'])
    for (const wrong of [{ user: 'nobody' }, { password: 'hunter2' }, { password: '' }]) {
      const report = await inspect({ ...connection, ...wrong })
      expect(codes(report)).toEqual(['SOURCE_AUTH'])
      expect(JSON.stringify(report.problems)).not.toContain('hunter2')
    }
  })
})
