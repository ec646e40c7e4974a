import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineConfig, embedded } from '../../src/declare/config.ts'
import {
  type PartAddresses,
  type PartName,
  type PartsEvent,
  type RunningParts,
  readParts,
  secretsFolder,
  startParts,
  stopParts,
  superuserLogin,
} from '../../src/parts/index.ts'
import { unremembered } from '../../src/parts/leftovers.ts'
import { removeServerFolder } from '../../src/parts/postgres.ts'
import { identify } from '../../src/parts/process-identity.ts'

const config = defineConfig({ databases: { shop: embedded() } })
const names: readonly PartName[] = ['kafka', 'registry', 'connect', 'postgres:shop']
const events: PartsEvent[] = []
let folder: string
let owner: ChildProcess
let first: { readonly addresses: PartAddresses; readonly pids: Readonly<Record<string, number>> }
let parts: RunningParts | undefined

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-lifecycle-')))
  chmodSync(folder, 0o755)
})

afterAll(async () => {
  await parts?.stop()
  await stopParts(folder)
  await removeServerFolder(join(folder, '.millrace', 'postgres', 'shop'))
  rmSync(folder, { recursive: true, force: true })
})

/** Another process that starts the parts; gives what it says when they are up, or why they are not. */
async function startElsewhere(): Promise<{ readonly child: ChildProcess; readonly last: Record<string, unknown> }> {
  const script = fileURLToPath(new URL('../support/parts-process.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, folder, JSON.stringify({ databases: config.databases })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  for await (const line of createInterface({ input: child.stdout! })) {
    const last = JSON.parse(line) as Record<string, unknown>
    if ('up' in last || 'failed' in last) return { child, last }
  }
  throw new Error('The process ended without a word.')
}

async function inDatabase(sql: string): Promise<unknown[]> {
  const { port } = readParts(folder, config).addresses!.databases.shop!
  const client = new Client({
    ...superuserLogin({ secrets: secretsFolder(folder), database: 'shop', port }),
    database: 'shop',
  })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function inKafka<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const brokers = [...readParts(folder, config).addresses!.kafka]
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

const subject = (base: string) => `${base}/apis/ccompat/v7/subjects/kept/versions`

/** Waits for one more event of this kind about the part. */
async function next(kind: PartsEvent['kind'], part: PartName, after: number): Promise<PartsEvent> {
  for (;;) {
    const found = events.slice(after).find((event) => event.kind === kind && 'part' in event && event.part === part)
    if (found) return found
    await sleep(50)
  }
}

describe('the parts of a project, one after the other', () => {
  it('start in another process and are seen from this one', async () => {
    const { child, last } = await startElsewhere()
    owner = child
    first = last.up as typeof first
    const status = readParts(folder, config)
    expect(status).toMatchObject({ owner: owner.pid, ready: true, addresses: first.addresses })
    expect(Object.fromEntries(status.parts.map(({ name, pid }) => [name, pid]))).toEqual(first.pids)
    expect(Object.keys(first.pids).sort()).toEqual([...names].sort())
  })

  it('capture exactly once, create no topic by themselves, and keep schemas for ever', async () => {
    const plugins = await fetch(`${first.addresses.connect}/connector-plugins?connectorsOnly=false`).then((r) =>
      r.text(),
    )
    expect(plugins).toContain('io.debezium.connector.postgresql.PostgresConnector')
    expect(plugins).toContain('io.apicurio.registry.utils.converter.AvroConverter')
    const properties = readFileSync(join(folder, '.millrace', 'connect', 'connect.properties'), 'utf8')
    expect(properties).toContain('exactly.once.source.support=enabled')
    const { resources } = await inKafka((admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: 'kafkasql-journal',
            configNames: ['retention.ms', 'cleanup.policy'],
          },
          { type: kafkajs.ConfigResourceTypes.BROKER, name: '1', configNames: ['auto.create.topics.enable'] },
        ],
      }),
    )
    const values = resources.flatMap(({ configEntries }) =>
      configEntries.map((entry) => [entry.configName, entry.configValue]),
    )
    expect(Object.fromEntries(values)).toEqual({
      'retention.ms': '-1',
      'cleanup.policy': 'delete',
      'auto.create.topics.enable': 'false',
    })
  })

  it('are refused to a second process, which is told who has them', async () => {
    const { last } = await startElsewhere()
    expect(last.failed).toMatchObject({
      code: 'PROJECT_LOCKED',
      message: expect.stringContaining(`process ${owner.pid}`),
    })
  })

  it('go on when the process that runs them is killed, and down ends every one', async () => {
    await inKafka((admin) => admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] }))
    await inDatabase('CREATE TABLE kept AS SELECT 42 AS n')
    const answer = await fetch(subject(first.addresses.registry), {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: '{"type":"record","name":"Kept","fields":[]}' }),
    })
    expect(answer.ok).toBe(true)
    const ended = once(owner, 'exit')
    owner.kill('SIGKILL')
    await ended
    const running = names.map((name) => identify(first.pids[name]!))
    expect(running.every((process) => process !== undefined)).toBe(true)
    expect(readParts(folder, config).owner).toBeUndefined()

    const { owner: asked, leftovers } = await stopParts(folder)
    expect(asked).toBeUndefined()
    expect([...leftovers]).toEqual(['connect', 'registry', 'kafka', 'postgres:shop'])
    expect(names.map((name) => identify(first.pids[name]!))).toEqual(names.map(() => undefined))
    expect(unremembered(folder)).toEqual([])
    expect(readParts(folder, config).parts.map(({ state }) => state)).toEqual(names.map(() => 'stopped'))
    expect(await stopParts(folder)).toEqual({ leftovers: [] })
  })

  it('start again on their old data, at their old places', async () => {
    parts = await startParts({ folder, config, onEvent: (event) => events.push(event) })
    expect(parts.addresses).toEqual(first.addresses)
    const { topics } = await inKafka((admin) => admin.fetchTopicMetadata({ topics: ['kept'] }))
    expect(topics[0]!.partitions).toHaveLength(3)
    expect(await inDatabase('SELECT n FROM kept')).toEqual([{ n: 42 }])
    expect(await (await fetch(`${subject(parts.addresses.registry)}/1`)).json()).toMatchObject({
      subject: 'kept',
      version: 1,
    })
    const modes = readdirSync(secretsFolder(folder)).map(
      (name) => statSync(join(secretsFolder(folder), name)).mode & 0o77,
    )
    expect(modes.every((mode) => mode === 0)).toBe(true)
  })

  it.each(names)('are started again when killed: %s', async (name) => {
    const before = events.length
    const pid = parts!.pids()[name]
    parts!.kill(name)
    expect(await next('died', name, before)).toMatchObject({ error: { code: 'PART_EXITED' } })
    const recovered = await next('recovered', name, before)
    expect(recovered).toMatchObject({ pid: parts!.pids()[name] })
    expect(parts!.pids()[name]).not.toBe(pid)
    process.stdout.write(`${name} recovered after ${(recovered as { seconds: number }).seconds.toFixed(1)} s\n`)
  })

  it('end in order, cleanly, and leave no process', async () => {
    const before = events.length
    await parts!.stop()
    const stopped = events.slice(before).filter((event) => event.kind === 'stopped')
    expect(stopped).toMatchObject([
      { part: 'connect', killed: false },
      { part: 'registry', killed: false },
      { part: 'kafka', killed: false },
      { part: 'postgres:shop', killed: false },
    ])
    expect(unremembered(folder)).toEqual([])
    expect(existsSync(join(folder, '.millrace', 'parts.lock'))).toBe(false)
  })
})
