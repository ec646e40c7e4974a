import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalog } from '../../src/adapters/postgres/catalog.ts'
import type { PostgresConnection } from '../../src/adapters/postgres/connection.ts'
import { registryApi } from '../../src/adapters/registry/registry-api.ts'
import type { Form } from '../../src/contract/debezium/column-code.ts'
import { debeziumLogDecoder } from '../../src/contract/debezium/log-decoder.ts'
import { canStandForUnchanged } from '../../src/contract/debezium/placeholder.ts'
import type { Change, LogEvent, LogRecord } from '../../src/contract/log-event.ts'
import { toPgText } from '../../src/contract/pg-text.ts'
import { sqlType } from '../../src/contract/pg-type.ts'
import { type ColumnType, scalarTypes, type TableContract } from '../../src/contract/table.ts'
import { unchanged } from '../../src/contract/values.ts'
import { postgresSource, secret } from '../../src/index.ts'
import { sourceTopics } from '../../src/project/plan-topic.ts'
import { renderSourceConnector } from '../../src/project/source-connector.ts'
import { TestServer } from '../adapters/postgres/server.ts'
import { enumSetup, type TypeSample, typeSamples } from '../support/type-samples.ts'
import { realParts } from './real-parts.ts'

/**
 * What the types say is what the decoder gives: every type goes from Postgres through Debezium, the log and the decoder back into
 * Postgres' own text, and must be the source's text. One table per type, so that one that fails keeps no other from arriving.
 */
const parts = realParts()
const name = `types${Date.now().toString(36)}`
const placeholder = '0f9d3b3c51a94d3f9f0c1d2e3f4a5b6c'
const [loaded, streamed, big, bigUpdated] = [1, 1000, 5000, 6000]

let server: TestServer
let source: pg.Client
let consumer: Consumer
let contracts: readonly TableContract[]
const records: LogRecord[] = []
const secretFile = join(parts.secretsDir, `${name.toUpperCase()}_PASSWORD`)
const kafka = new Kafka({ brokers: parts.kafka.split(','), logLevel: logLevel.NOTHING })

interface Subject {
  readonly table: string
  readonly type: string
  /** Values as SQL, null among them. */
  values(snapshot: boolean): readonly string[]
  /** SQL of a value too big to stay in line, where the type has such. */
  readonly big?: string
}

const subjects: readonly Subject[] = typeSamples.flatMap((sample, index): Subject[] => {
  const huge = bigValue(sample.type)
  const scalar: Subject = {
    table: `s${index}`,
    type: sample.type,
    values: (snapshot) => [...kept(sample, snapshot ? sample.lostInSnapshots : []), 'NULL'],
    ...(huge === undefined ? {} : { big: huge }),
  }
  if (sample.noArray) return [scalar]
  const items = kept(sample, sample.lostInArrays)
  const item = items[0]!
  const array: Subject = {
    table: `a${index}`,
    type: `${sample.type}[]`,
    values: () => [
      `ARRAY[${[...items, ...(sample.noNullInArrays ? [] : ['NULL'])].join(', ')}]`,
      `ARRAY[${item}]`,
      "'{}'",
      'NULL',
    ],
    big: `(SELECT array_agg(${item}::${sample.type}) FROM generate_series(1, 3000))`,
  }
  return [scalar, array]
})

function kept(sample: TypeSample, lost: readonly string[] = []): string[] {
  return sample.values.filter((value) => !lost.includes(value)).map((value) => `'${value.replaceAll("'", "''")}'`)
}

function bigValue(type: string): string | undefined {
  const text = `(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n)`
  if (type === 'text' || type === 'varchar') return text
  if (type === 'bytea') return `decode(${text}, 'hex')`
  if (type === 'json' || type === 'jsonb') return `to_${type}(${text})`
  if (type === 'numeric')
    return `(SELECT string_agg((n * 7919 % 9000 + 1000)::text, '') FROM generate_series(1, 9000) n)::numeric`
  return undefined
}

beforeAll(async () => {
  server = await TestServer.start()
  const connection = await server.database()
  source = new pg.Client({ ...connection })
  await source.connect()
  await source.query(enumSetup)
  for (const { table, type } of subjects) {
    await source.query(`CREATE TABLE ${table} (id int PRIMARY KEY, v ${type}, other int)`)
    await source.query(`ALTER TABLE ${table} ALTER v SET STORAGE EXTERNAL`).catch(() => undefined)
  }
  // Where Debezium cannot say "unchanged", the catalog asks for REPLICA IDENTITY FULL.
  const asked = await readCatalog(
    source,
    name,
    subjects.map(({ table }) => `public.${table}`),
  )
  for (const problem of asked.problems) {
    expect(problem.code).toBe('CONTRACT_UNCHANGED_UNREADABLE')
    await source.query(`ALTER TABLE ${problem.facts.table} REPLICA IDENTITY FULL`)
  }
  const reading = await readCatalog(
    source,
    name,
    subjects.map(({ table }) => `public.${table}`),
  )
  expect(reading.problems).toEqual([])
  contracts = reading.contracts

  await insert(loaded, true)
  await source.query(`CREATE PUBLICATION millrace_${name} FOR ALL TABLES`)
  await capture(connection)
  await arrived((event) => event.kind === 'snapshot' && event.status === 'completed')
  await insert(streamed, false)
  for (const { table, big: value } of subjects) {
    if (value === undefined) continue
    await source.query(`INSERT INTO ${table} VALUES (${big}, ${value}, 0)`)
    await source.query(`UPDATE ${table} SET other = ${bigUpdated} WHERE id = ${big}`)
  }
  const { rows } = await source.query("SELECT (pg_current_wal_lsn() - '0/0')::text AS lsn")
  await source.query('SELECT pg_logical_emit_message(true, $1, $2)', ['other', 'last'])
  await arrived((event) => event.kind === 'end' && event.lsn >= BigInt(rows[0].lsn))
}, 300_000)

afterAll(async () => {
  await fetch(`${parts.connect}/connectors/${name}`, { method: 'DELETE' }).catch(() => undefined)
  await consumer?.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${name}.`))
  await admin.deleteTopics({ topics }).catch(() => undefined)
  await admin.disconnect()
  await rm(secretFile, { force: true })
  await source?.end()
  await server?.stop()
}, 60_000)

async function insert(from: number, snapshot: boolean): Promise<void> {
  for (const { table, type, values } of subjects) {
    const rows = values(snapshot).map((value, index) => `(${from + index}, (${value})::${type}, 0)`)
    await source.query(`INSERT INTO ${table} VALUES ${rows.join(', ')}`)
  }
}

async function capture({ host, port, database, user, password }: PostgresConnection): Promise<void> {
  await writeFile(secretFile, password!, { mode: 0o600 })
  const declaration = postgresSource({
    url: `postgres://${user}@${host}:${port}/${database}`,
    password: secret('PASSWORD'),
    tables: subjects.map(({ table }) => `public.${table}`),
    heartbeatMs: 1000,
  })
  const config = renderSourceConnector(declaration, {
    name,
    project: name,
    database: { host, port, database, user: user!, secret: 'PASSWORD' },
    brokers: parts.kafka.split(','),
    registryUrl: parts.registry,
    secretReference: () => `\${dir:${parts.secretsDir}:${name.toUpperCase()}_PASSWORD}`,
    placeholder,
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: sourceTopics(name, declaration).map(({ name: topic, partitions, configs }) => ({
      topic,
      numPartitions: partitions,
      configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
  })
  await admin.disconnect()
  consumer = kafka.consumer({ groupId: name, maxBytesPerPartition: 16_777_216 })
  await consumer.connect()
  await consumer.subscribe({ topic: `${name}.log`, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message: { offset, key, value } }) => {
      records.push({ offset: BigInt(offset), key, value })
    },
  })
  const answer = await fetch(`${parts.connect}/connectors/${name}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(config),
  })
  expect(answer.status, await answer.text()).toBe(201)
}

/** Every event of the log as it is now, as one reader reads it. */
async function events(form: Form): Promise<LogEvent[]> {
  const registry = registryApi({ url: parts.registry })
  const decoder = debeziumLogDecoder({
    tables: contracts.map((contract) => ({ contract, columns: contract.columns.map((column) => column.name), form })),
    placeholder,
    fetchSchema: async (id) => JSON.parse(await registry.schema(id)),
  })
  const seen = [...records]
  await decoder.prepare(seen)
  return seen.flatMap((record) => decoder.decode(record) ?? [])
}

async function arrived(event: (event: LogEvent) => boolean): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    if ((await events('carried')).some(event)) return
    const status = await fetch(`${parts.connect}/connectors/${name}/status`).then((answer) => answer.json())
    const { tasks = [] } = status as { tasks?: { state: string; trace?: string }[] }
    const failed = tasks.find(({ state }) => state === 'FAILED')
    if (failed !== undefined) throw new Error(`the connector failed: ${failed.trace}`)
    if (Date.now() > deadline) throw new Error('it did not arrive in time')
    await sleep(1000)
  }
}

/** The text that Postgres makes of a decoded value. */
async function textOf(change: Change, type: ColumnType): Promise<string | null> {
  const value = change.row[1]
  if (value === undefined || value === unchanged) return String(value)
  const { rows } = await source.query(`SELECT $1::text::${sqlType(type)}::text AS text`, [toPgText(value, type)])
  return rows[0].text
}

async function sourceText(table: string, id: unknown): Promise<string | null> {
  const { rows } = await source.query(`SELECT v::text AS text FROM ${table} WHERE id = $1`, [id])
  return rows[0].text
}

/** A `Decimal` is a number: 1.50 and 1.5 are one. As text a numeric keeps its digits. */
async function expectSame(form: Form, change: Change, type: ColumnType): Promise<void> {
  const [got, had] = [await textOf(change, type), await sourceText(change.table.table, change.row[0])]
  let same = got === had
  if (!same && form === 'typed' && type.name === 'numeric') {
    const { rows } = await source.query(`SELECT $1::${sqlType(type)} = $2::${sqlType(type)} AS same`, [got, had])
    same = rows[0].same
  }
  expect(same, `${change.op} of ${sqlType(type)} ${String(change.row[0])}: ${got} for ${had}`).toBe(true)
}

describe.each(['typed', 'carried'] as const)('what a reader gets (%s)', (form) => {
  let changes: Map<string, Change[]>

  beforeAll(async () => {
    changes = new Map(subjects.map(({ table }) => [table, []]))
    for (const event of await events(form)) {
      if (event.kind === 'change') changes.get(event.change.table.table)!.push(event.change)
    }
  })

  test.each(subjects.map((subject) => [subject.type, subject] as const))(
    '%s is what the source has',
    async (_type, subject) => {
      const { type } = contracts.find(({ table }) => table === subject.table)!.columns[1]!
      const all = changes.get(subject.table) ?? []
      const load = all.filter(({ op }) => op === 'load')
      const inserts = all.filter(({ op, row }) => op === 'insert' && Number(row[0]) < big)
      expect(load.length).toBe(subject.values(true).length)
      expect(inserts.length).toBe(subject.values(false).length)
      for (const change of [...load, ...inserts]) {
        await expectSame(form, change, type)
      }
    },
  )

  test.each(subjects.filter((subject) => subject.big !== undefined).map((subject) => [subject.type, subject] as const))(
    '%s that an update leaves out of the WAL is unchanged, or whole under REPLICA IDENTITY FULL',
    async (_type, subject) => {
      const contract = contracts.find(({ table }) => table === subject.table)!
      const { type, unchangeable } = contract.columns[1]!
      const update = changes.get(subject.table)?.find(({ op }) => op === 'update')
      expect(unchangeable).toBe(canStandForUnchanged(type))
      expect(update?.row[2]).toBe(bigUpdated)
      if (unchangeable) expect(update?.row[1]).toBe(unchanged)
      else await expectSame(form, update!, type)
      const whole = changes.get(subject.table)?.find(({ op, row }) => op === 'insert' && row[0] === big)
      await expectSame(form, whole!, type)
    },
  )
})

test('every type that contracts cover was tried', () => {
  const tried = new Set(contracts.map(({ columns }) => columns[1]!.type.name))
  expect([...tried].sort()).toEqual([...scalarTypes].sort())
})
