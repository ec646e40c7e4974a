import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectApi } from '../../src/adapters/connect/connect-api.ts'
import { kafkaTopicAdmin } from '../../src/adapters/kafka/admin.ts'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { postgresSourceDatabase } from '../../src/adapters/postgres/source.ts'
import { postgresSinkDatabase } from '../../src/adapters/postgres/target.ts'
import { registryApi } from '../../src/adapters/registry/registry-api.ts'
import { type RunningPostgres, startPostgres } from '../../src/parts/index.ts'
import {
  applyPlan,
  formatPlan,
  isEmpty,
  type Plan,
  type Platform,
  type PostgresLocation,
  planData,
  planProject,
  projectStatus,
} from '../../src/project/index.ts'
import { customers, orders, type ProjectFolder, projectFolder, schemaFiles } from '../support/project-folder.ts'
import { realParts } from './real-parts.ts'

const parts = realParts()
/** Names of this run alone: the parts are shared. */
const run = Date.now().toString(36)
const source = `plan-${run}`
const plain = `plan-plain-${run}`
const secret = `PLAN_${run.toUpperCase()}`
const secrets = new Map<string, string>()

let folder: string
let database: RunningPostgres
let admin: pg.Client
let project: ProjectFolder
let platform: Platform

const sql = `
CREATE ROLE capture LOGIN REPLICATION PASSWORD :'${secret}';
CREATE ROLE shop LOGIN; GRANT shop TO capture; GRANT CREATE ON DATABASE shop TO shop; GRANT CREATE, USAGE ON SCHEMA public TO shop;
CREATE ROLE sync LOGIN PASSWORD :'${secret}'; GRANT CREATE ON DATABASE shop TO sync;
SET ROLE shop;
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, notes text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL);
INSERT INTO customers SELECT n, 'c' || n, NULL FROM generate_series(1, 500) n;
`

const declarations = (options = '', tables = "['public.customers', 'public.orders']") => ({
  [`connectors/${source}.ts`]: `import { postgresSource, secret } from 'millrace'
export default postgresSource({
  url: 'postgres://capture@127.0.0.1:${database.port}/shop', password: secret('${secret}'), tables: ${tables}, heartbeatMs: 300, ${options}
})
`,
  'processors/copy.ts': `import { postgresSink, secret, sync } from 'millrace'
import { customers${tables.includes('orders') ? ', orders' : ''} } from '../schemas/${source}.js'
export default sync({
  from: { customers${tables.includes('orders') ? ', orders' : ''} },
  to: postgresSink({ url: 'postgres://sync@127.0.0.1:${database.port}/shop', password: secret('${secret}'), schema: 'copy' }),
})
`,
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-plan-'))
  await rm(join(folder, 'sql'), { recursive: true, force: true })
  const sqlFolder = await mkdtemp(join(tmpdir(), 'millrace-plan-sql-'))
  await writeFile(join(sqlFolder, '01.sql'), sql)
  database = await startPostgres({ folder, database: 'shop', sql: sqlFolder })
  await rm(sqlFolder, { recursive: true, force: true })
  secrets.set(secret, database.secret(secret))
  await writeFile(join(parts.secretsDir, secret), database.secret(secret), { mode: 0o600 })
  admin = new pg.Client({
    host: database.host,
    port: database.port,
    database: 'shop',
    user: database.user,
    password: database.password,
  })
  await admin.connect()
  const enter = (at: PostgresLocation) => ({
    host: at.host,
    port: at.port,
    database: at.database,
    user: at.user,
    password: secrets.get(at.secret)!,
  })
  platform = {
    brokers: [parts.kafka],
    connectUrl: parts.connect,
    registryUrl: parts.registry,
    database: () => undefined,
    secretReference: (name) => `\${dir:${parts.secretsDir}:${name}}`,
    deliverSecrets: async () => undefined,
    topics: kafkaTopicAdmin({ brokers: [parts.kafka] }),
    connect: connectApi({ url: parts.connect }),
    registry: registryApi({ url: parts.registry }),
    source: (at) => postgresSourceDatabase(enter(at)),
    sink: (at) => postgresSinkDatabase(enter(at)),
  }
  const contracts = [customers, orders].map((table) => ({ ...table, source }))
  project = await projectFolder({
    'package.json': JSON.stringify({ name: `plan-${run}` }),
    ...schemaFiles(source, contracts),
    ...declarations(),
  })
})

afterAll(async () => {
  for (const name of [source, plain]) {
    await platform?.connect.stop(name)
    await platform?.connect.remove(name)
  }
  await platform?.topics.delete([`${source}.log`, `${source}.signals`])
  await platform?.topics.close()
  await admin?.end()
  await project?.remove()
  await database?.remove()
  await rm(join(parts.secretsDir, secret), { force: true })
  await rm(folder, { recursive: true, force: true })
})

const plan = async (): Promise<Plan> => planProject(await project.load(), platform)
const rows = (planned: Plan) => planned.steps.map(({ action, kind, name }) => `${action} ${kind} ${name}`)

async function eventually<Answer>(what: string, question: () => Promise<Answer | undefined>): Promise<Answer> {
  const until = Date.now() + 60_000
  for (;;) {
    const answer = await question()
    if (answer !== undefined) return answer
    if (Date.now() > until) throw new Error(`${what} did not come within a minute`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

const logEnd = async (): Promise<bigint> => (await platform.topics.range(`${source}.log`))!.next

it('takes a project from nothing to captured, through changes and drift, to nothing', async () => {
  const first = await plan()
  expect(first.problems).toEqual([])
  expect(rows(first)).toEqual([
    `create topic ${source}.log`,
    `create topic ${source}.signals`,
    `create publication millrace_${source.replace('-', '_')}`,
    `create connector ${source}`,
    'create sink copy',
  ])
  await applyPlan(first, platform)
  const applied = await plan()
  expect(isEmpty(applied), formatPlan(applied)).toBe(true)
  expect(applied.loads.map(({ sync, state }) => [sync, state])).toEqual([['copy', 'waiting']])

  // The snapshot of 500 rows, then changes as they are committed.
  await eventually('the snapshot', async () =>
    (await platform.connect.snapshotting(source)) === false ? true : undefined,
  )
  const afterSnapshot = await eventually('rows', async () => ((await logEnd()) > 500n ? logEnd() : undefined))
  await admin.query("INSERT INTO customers SELECT n, 'more', NULL FROM generate_series(1001, 1100) n")
  await eventually('the changes', async () => ((await logEnd()) >= afterSnapshot + 100n ? true : undefined))

  const status = await projectStatus(await project.load(), platform, [], Date.now())
  expect(status.problems).toEqual([])
  expect(status.connectors).toMatchObject([{ name: source, healthy: true, state: 'running', error: null }])
  expect(status.connectors[0]!.lagBytes).toBeGreaterThanOrEqual(0)
  expect(status.syncs).toMatchObject([{ name: 'copy', state: 'not running', healthy: false }])

  // Heartbeats, notices and transaction marks are all in the log: no other topic was made or asked for.
  const client = kafkaClient({ brokers: [parts.kafka] }).admin()
  await client.connect()
  const topics = (await client.listTopics()).filter((name) => name.includes(source))
  await client.disconnect()
  expect(topics.sort()).toEqual([`${source}.log`, `${source}.signals`])

  // In place: a shorter history, a slower poll, and one table less.
  await project.write(declarations('historyDays: 1, pollMs: 20', "['public.customers']"))
  const changed = await plan()
  expect(rows(changed)).toEqual([
    `change topic ${source}.log`,
    `change topic ${source}.signals`,
    `change publication millrace_${source.replace('-', '_')}`,
    `change connector ${source}`,
  ])
  await applyPlan(changed, platform)
  expect(isEmpty(await plan()), formatPlan(await plan())).toBe(true)
  await project.write(declarations('historyDays: 1, pollMs: 20'))
  await applyPlan(await plan(), platform)
  expect(isEmpty(await plan())).toBe(true)
  const before = await logEnd()
  await admin.query("INSERT INTO orders SELECT n, n, 'placed' FROM generate_series(1, 100) n")
  await eventually('changes of the table added', async () => ((await logEnd()) >= before + 100n ? true : undefined))

  // What others do shows as drift and is set back.
  await platform.topics.configure(`${source}.log`, { 'retention.ms': '1000000' })
  const { config } = (await platform.connect.connector(source))!
  await platform.connect.put(source, { ...config, 'snapshot.fetch.size': '77' })
  await admin.query(`ALTER PUBLICATION "millrace_${source.replace('-', '_')}" DROP TABLE orders`)
  const drift = await plan()
  expect(rows(drift)).toEqual([
    `drift topic ${source}.log`,
    `drift publication millrace_${source.replace('-', '_')}`,
    `drift connector ${source}`,
  ])
  await applyPlan(drift, platform)
  expect(isEmpty(await plan())).toBe(true)

  // Not declared any more: everything that belongs to it goes, and nothing else.
  await project.write({ [`connectors/${source}.ts`]: null, 'processors/copy.ts': null, 'millrace.config.ts': empty })
  const removal = await plan()
  expect(removal.problems).toEqual([])
  expect(rows(removal)).toEqual([`delete source ${source}`])
  expect(removal.steps[0]!.destructive).toBe(true)
  expect(removal.steps[0]!.differences.map(({ field }) => field)).toEqual([
    'connector',
    'slot',
    'publication',
    'topic',
    'topic',
  ])
  await applyPlan(removal, platform)
  expect(isEmpty(await plan())).toBe(true)
  const left = await admin.query(
    'SELECT slot_name::text AS name FROM pg_replication_slots UNION ALL SELECT pubname FROM pg_publication',
  )
  expect(left.rows).toEqual([])
  expect(await platform.connect.connector(source)).toBeNull()
  expect(await platform.topics.range(`${source}.log`)).toBeNull()
  expect((await admin.query('SELECT count(*)::int AS n FROM orders')).rows).toEqual([{ n: 100 }])
}, 240_000)

it('applies a plain connector, whose secret only Connect reads', async () => {
  await project.write({
    'millrace.config.ts': empty,
    [`connectors/${plain}.json`]: JSON.stringify({
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'database.hostname': '127.0.0.1',
      'database.port': database.port,
      'database.user': 'capture',
      'database.password': `\${secret:${secret}}`,
      'database.dbname': 'shop',
      'plugin.name': 'pgoutput',
      'topic.prefix': plain,
      'slot.name': `plain_${run}`,
      'publication.name': 'plain',
      'snapshot.mode': 'no_data',
    }),
  })
  await admin.query('CREATE PUBLICATION plain FOR TABLE customers')
  const first = await plan()
  expect(first.problems).toEqual([])
  expect(rows(first)).toEqual([`create connector ${plain}`])
  await applyPlan(first, platform)
  expect(isEmpty(await plan())).toBe(true)
  const config = JSON.stringify((await platform.connect.connector(plain))!.config)
  expect(config + JSON.stringify(planData(first)) + formatPlan(first)).not.toContain(secrets.get(secret)!)

  await project.write({ [`connectors/${plain}.json`]: null })
  const removal = await plan()
  expect(rows(removal)).toEqual([`delete connector ${plain}`])
  await applyPlan(removal, platform)
  expect(isEmpty(await plan())).toBe(true)
}, 120_000)

it('reports what keeps a source from being captured, all of it and before anything is made', async () => {
  const real = secrets.get(secret)!
  secrets.set(secret, 'wrong')
  await project.write(declarations())
  const refused = await plan()
  secrets.set(secret, real)
  expect(refused.problems.map(({ code, file }) => [code, file])).toEqual([
    ['SOURCE_AUTH', `connectors/${source}.ts`],
    ['SINK_AUTH', 'processors/copy.ts'],
  ])
  expect(formatPlan(refused)).not.toContain('wrong')
  await expect(applyPlan(refused, platform)).rejects.toMatchObject({ code: 'PLAN_BROKEN' })
  expect(await platform.connect.connector(source)).toBeNull()
  await project.write({ [`connectors/${source}.ts`]: null, 'processors/copy.ts': null })
})

const empty = "import { defineConfig } from 'millrace'\nexport default defineConfig({})\n"
