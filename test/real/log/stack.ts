import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { postgresSource, secret } from '../../../src/index.ts'
import { archiveFolder, cacheFolder, fetchArchive } from '../../../src/parts/cache.ts'
import { connectPart } from '../../../src/parts/connect.ts'
import { startParts } from '../../../src/parts/start.ts'
import { startPostgres } from '../../../src/parts/start-postgres.ts'
import { sourceTopics } from '../../../src/project/plan-topic.ts'
import { renderSourceConnector } from '../../../src/project/source-connector.ts'

/**
 * Kafka, registry, a Postgres and a Connect of one's own, in a temporary folder. Connect runs outside the supervisor, which would
 * wait longer after each kill: here it is started again at once, as often as it takes.
 */
export interface Stack {
  readonly brokers: readonly string[]
  readonly registry: string
  readonly log: string
  sql(): Promise<Client>
  /** Makes the connector or changes it. */
  capture(extra?: Readonly<Record<string, string>>): Promise<void>
  /** kill -9, and a new process at once. */
  killConnect(): Promise<void>
  /** `RUNNING`, `FAILED`, ...; undefined while Connect does not answer. */
  taskState(): Promise<{ readonly state: string; readonly trace: string } | undefined>
  stop(): Promise<void>
}

const source = 'kills'
const tables = ['public.ledger', 'public.accounts', 'public.events']

/** Says which transactions were over when it was written. */
const heartbeat =
  "SELECT pg_catalog.pg_logical_emit_message(true, 'millrace', pg_catalog.json_build_object('snapshot', pg_catalog.pg_current_snapshot()::text)::text)"

export async function startStack(say: (line: string) => void): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kills-'))
  const port = await freePort()
  const connectUrl = `http://127.0.0.1:${port}`
  const parts = await startParts({ folder, config: { kind: 'config', connect: { url: connectUrl } } })
  const postgres = await startPostgres({ folder: join(folder, 'pg'), database: 'shop' })
  const secrets = join(folder, 'connect-secrets')
  mkdirSync(secrets)
  await writeFile(join(secrets, 'PASSWORD'), postgres.password, { mode: 0o600 })
  const brokers = parts.addresses.kafka
  const cache = cacheFolder()
  for (const archive of ['kafka', 'debezium', 'converter'] as const) await fetchArchive(archive, { cache })
  const part = connectPart({
    lib: await archiveFolder('kafka', cache),
    plugins: [await archiveFolder('debezium', cache), await archiveFolder('converter', cache)],
    folder: join(folder, 'connect'),
    port,
    kafka: brokers,
    secrets,
  })
  await part.prepare({ signal: AbortSignal.timeout(30_000), env: {} })
  const output = createWriteStream(join(folder, 'connect.log'), { flags: 'a' })
  let connect: ChildProcess | undefined

  function startConnect(): void {
    const { file, args, env } = part.command()
    connect = spawn(file, [...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    connect.stdout!.pipe(output, { end: false })
    connect.stderr!.pipe(output, { end: false })
  }

  async function endConnect(): Promise<void> {
    if (connect === undefined || connect.exitCode !== null || connect.signalCode !== null) return
    const gone = new Promise((resolve) => connect!.once('exit', resolve))
    connect.kill('SIGKILL')
    await gone
  }

  startConnect()
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const declaration = postgresSource({
    url: `postgres://${postgres.user}@${postgres.host}:${postgres.port}/shop`,
    password: secret('PASSWORD'),
    tables,
    heartbeatMs: 2000,
  })
  const topics = sourceTopics(source, declaration)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map(({ name, partitions, configs }) => ({
      topic: name,
      numPartitions: partitions,
      configEntries: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
  })
  await admin.disconnect()
  const clients: Client[] = []
  say(`stack in ${folder}`)

  const stack: Stack = {
    brokers,
    registry: parts.addresses.registry,
    log: topics[0]!.name,
    async sql() {
      const { host, port: pgPort, user, password } = postgres
      const client = new Client({ host, port: pgPort, user, password, database: 'shop' })
      client.on('error', () => undefined)
      await client.connect()
      clients.push(client)
      return client
    },
    async capture(extra = {}) {
      const config = {
        ...renderSourceConnector(declaration, {
          name: source,
          project: 'kills',
          database: {
            host: postgres.host,
            port: postgres.port,
            database: 'shop',
            user: postgres.user,
            secret: 'PASSWORD',
          },
          brokers,
          registryUrl: parts.addresses.registry,
          secretReference: (name) => `\${dir:${secrets}:${name}}`,
          placeholder: 'unchanged-0123456789abcdef',
        }),
        'heartbeat.action.query': heartbeat,
        // Who captured and in which run: half of what a small record weighs. The marks of key updates stay.
        'extended.headers.enabled': 'false',
        ...extra,
      }
      await until('Connect takes the connector', 120_000, async () => {
        const answer = await fetch(`${connectUrl}/connectors/${source}/config`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(config),
          signal: AbortSignal.timeout(60_000),
        })
        if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status} ${await answer.text()}`)
        return answer.ok
      })
    },
    async killConnect() {
      await endConnect()
      startConnect()
    },
    async taskState() {
      const answer = await fetch(`${connectUrl}/connectors/${source}/status`, {
        signal: AbortSignal.timeout(2000),
      }).catch(() => undefined)
      if (answer?.ok !== true) return undefined
      const { tasks } = (await answer.json()) as { tasks: { state: string; trace?: string }[] }
      return tasks[0] && { state: tasks[0].state, trace: tasks[0].trace ?? '' }
    },
    async stop() {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      await endConnect()
      await postgres.remove()
      await parts.stop()
      if (process.env.MILLRACE_KEEP === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
  return stack
}

/** Ends every waiting at once. */
export class Over extends Error {}

/** Asks until it is so. What it throws meanwhile is told when the time is over. */
export async function until(what: string, ms: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ms
  let last: unknown
  while (Date.now() < deadline) {
    try {
      if (await ask()) return
    } catch (error) {
      if (error instanceof Over) throw error
      last = error
    }
    await sleep(100)
  }
  throw new Error(`waited ${ms / 1000} s in vain: ${what}`, { cause: last })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
