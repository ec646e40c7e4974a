import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { connectApi } from '../../src/adapters/connect/connect-api.ts'
import { kafkaTopicAdmin } from '../../src/adapters/kafka/admin.ts'
import { type RunningPostgres, startPostgres } from '../../src/parts/index.ts'
import { type ProjectFolder, projectFolder } from '../support/project-folder.ts'
import { realParts } from './real-parts.ts'

export interface ScenarioOptions {
  /** Run on the source as its administrator before anything captures it; `capture` may read what it makes. */
  readonly source: string
  /** Tables to capture, `schema.table`. */
  readonly tables: readonly string[]
  /** Body of `sync({...})` without `to`, given the handles of the source's tables. */
  readonly sync: string
  /** Names of the handles that `sync` uses. */
  readonly handles: readonly string[]
  /** Run on the sink as its administrator before the plan. */
  readonly sink?: string
  /** Further fields of `postgresSource({...})`. */
  readonly capture?: string
}

/**
 * Two services with a Postgres server each, a project that keeps them in step, and millrace's own command line, over the run's real
 * parts. Everything is named after this one scenario, and `end` takes all of it away.
 */
export class Scenario {
  readonly parts = realParts()
  readonly name: string
  readonly project: ProjectFolder
  sourceServer: RunningPostgres
  readonly sinkServer: RunningPostgres
  source: pg.Client
  sink: pg.Client
  readonly #folders: readonly string[]
  readonly #options: ScenarioOptions
  readonly #workers: Worker[] = []

  private constructor(
    fields: Pick<Scenario, 'name' | 'project' | 'sourceServer' | 'sinkServer' | 'source' | 'sink'>,
    folders: readonly string[],
    options: ScenarioOptions,
  ) {
    this.name = fields.name
    this.project = fields.project
    this.sourceServer = fields.sourceServer
    this.sinkServer = fields.sinkServer
    this.source = fields.source
    this.sink = fields.sink
    this.#folders = folders
    this.#options = options
  }

  /** Servers, project, types; nothing is applied yet. */
  static async make(options: ScenarioOptions): Promise<Scenario> {
    const name = `s${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`
    const folders = await Promise.all(['source', 'sink'].map((end) => mkdtemp(join(tmpdir(), `millrace-${end}-`))))
    const [sourceServer, sinkServer] = await Promise.all(
      folders.map((folder) => startPostgres({ folder, database: 'service' })),
    )
    if (sourceServer === undefined || sinkServer === undefined) throw new Error('no servers')
    const [source, sink] = await Promise.all([enter(sourceServer), enter(sinkServer)])
    const project = await projectFolder({
      'package.json': JSON.stringify({ name, type: 'module' }),
      'millrace.config.ts': configText(sourceServer, sinkServer),
      [`connectors/${name}.ts`]: captureText(options),
    })
    const scenario = new Scenario({ name, project, sourceServer, sinkServer, source, sink }, folders, options)
    await scenario.#secret('CAPTURE', sourceServer.password)
    await scenario.#secret('SYNC', sinkServer.password)
    await source.query(options.source)
    if (options.sink !== undefined) await sink.query(options.sink)
    await scenario.millrace('types')
    await scenario.declare(options.sync, options.handles)
    return scenario
  }

  /** Writes the sync's declaration anew. */
  async declare(sync: string, handles: readonly string[] = this.#options.handles): Promise<void> {
    await this.project.write({
      'processors/copy.ts': `import { postgresSink, secret, sync } from 'millrace'
import { ${handles.join(', ')} } from '../schemas/${this.name}.js'
export default sync({
  to: postgresSink({ database: 'sink', user: 'postgres', password: secret('${this.#secretName('SYNC')}'), schema: 'copy' }),
  ${sync}
})
`,
    })
  }

  /** Runs a command of millrace's; rejects with all it said when it exits otherwise than with `expected`. */
  async millrace(words: string, expected = 0): Promise<string> {
    const { code, text } = await this.call(words)
    if (code !== expected) throw new Error(`millrace ${words} exited with ${code}:\n${text}`)
    return text
  }

  call(words: string): Promise<{ readonly code: number; readonly text: string }> {
    const child = spawn(process.execPath, [...commandLine, '--folder', this.project.folder, ...words.split(' ')], {
      env: { ...process.env, ...this.#env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    child.stderr.on('data', (chunk) => (text += chunk))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, text }))
    })
  }

  startWorker(): Worker {
    const worker = new Worker(
      this.project.folder,
      { ...process.env, ...this.#env, LOG_LEVEL: 'info' },
      this.#workers.length,
    )
    this.#workers.push(worker)
    return worker
  }

  /** Resolves when the sink shows everything the source has committed before the call. */
  async caughtUp(timeoutMs = 90_000): Promise<void> {
    const { rows } = await this.source.query('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    await this.source.query(`SELECT pg_logical_emit_message(true, 'test', 'caught up?')`)
    await eventually(
      `the copy at ${rows[0].lsn}`,
      timeoutMs,
      async () => {
        const position = await this.position()
        if (position?.lsn == null) return undefined
        const { rows: answer } = await this.sink.query('SELECT $1::pg_lsn >= $2::pg_lsn AS reached', [
          position.lsn,
          rows[0].lsn,
        ])
        return answer[0].reached ? true : undefined
      },
      this.#lastWords,
    )
  }

  async position(): Promise<
    { readonly lsn: string | null; readonly offset: string; readonly epoch: string } | undefined
  > {
    const { rows } = await this.sink
      .query(
        `SELECT applied_lsn::text AS lsn, next_offset AS offset, epoch FROM millrace.positions WHERE sync = 'copy'`,
      )
      .catch((error: { code?: string }) => {
        if (error.code === '42P01' || error.code === '3F000') return { rows: [] }
        throw error
      })
    return rows[0]
  }

  /** The error code that the workers show for the sync, once it is one of `codes`. */
  async trouble(
    ...codes: readonly string[]
  ): Promise<{ readonly code: string; readonly message: string; readonly state: string }> {
    return eventually(
      `trouble of ${codes.join(' or ')}`,
      60_000,
      async () => {
        for (const worker of this.#workers) {
          const sync = await worker.status()
          if (sync?.error != null && codes.includes(sync.error.code)) {
            return { code: sync.error.code, message: sync.error.message, state: sync.state }
          }
        }
        return undefined
      },
      this.#lastWords,
    )
  }

  /** The end of every worker's log: what explains a scenario that did not go on. */
  #lastWords = (): string =>
    this.#workers.map((worker) => `\n${readFileSync(worker.log, 'utf8').split('\n').slice(-8).join('\n')}`).join('')

  /** Rows that differ between what `expected` says on the source and `actual` says on the sink. */
  async differences(expected: string, actual: string): Promise<readonly string[]> {
    const read = async (client: pg.Client, sql: string) => {
      const { rows } = await client.query(`SELECT t::text AS image FROM (${sql}) AS t ORDER BY t::text COLLATE "C"`)
      return new Set<string>(rows.map((row) => row.image))
    }
    const [source, sink] = [await read(this.source, expected), await read(this.sink, actual)]
    return [
      ...[...source].filter((image) => !sink.has(image)).map((image) => `only in the source: ${image}`),
      ...[...sink].filter((image) => !source.has(image)).map((image) => `only in the sink: ${image}`),
    ].slice(0, 20)
  }

  async reconnect(): Promise<void> {
    await Promise.allSettled([this.source.end(), this.sink.end()])
    ;[this.source, this.sink] = await Promise.all([enter(this.sourceServer), enter(this.sinkServer)])
  }

  /** Where the files of the source's server are; they may be elsewhere, with a link in their place. */
  sourceFiles(): string {
    return realpathSync(join(this.#folders[0] ?? '', 'server'))
  }

  async stopSource(): Promise<void> {
    await this.source.end()
    await this.sourceServer.stop()
  }

  /** Starts the source's server again, on the port it had. */
  async startSource(): Promise<void> {
    const { port } = this.sourceServer
    this.sourceServer = await startPostgres({ folder: this.#folders[0] ?? '', database: 'service', port })
    this.source = await enter(this.sourceServer)
  }

  /** Pids of the shared parts, by name. */
  partPid(part: string): number {
    const file = join(this.parts.secretsDir, '..', 'parts.json')
    return JSON.parse(readFileSync(file, 'utf8')).parts[part].process.pid
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill('SIGKILL')))
    const connect = connectApi({ url: this.parts.connect })
    const topics = kafkaTopicAdmin({ brokers: [this.parts.kafka] })
    try {
      await connect.stop(this.name)
      await connect.remove(this.name)
      await topics.delete([`${this.name}.log`, `${this.name}.signals`])
    } finally {
      await topics.close()
      await Promise.allSettled([this.source.end(), this.sink.end()])
      await Promise.all([this.sourceServer.remove(), this.sinkServer.remove(), this.project.remove()])
      for (const which of ['CAPTURE', 'SYNC'])
        await rm(join(this.parts.secretsDir, this.#secretName(which)), { force: true })
      for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
    }
  }

  #env: Record<string, string> = {}

  #secretName(which: string): string {
    return `${this.name.toUpperCase()}_${which}`
  }

  async #secret(which: string, value: string): Promise<void> {
    this.#env[this.#secretName(which)] = value
    await writeFile(join(this.parts.secretsDir, this.#secretName(which)), value, { mode: 0o600 })
    if (which === 'CAPTURE') {
      const file = `connectors/${this.name}.ts`
      await this.project.write({
        [file]: captureText(this.#options).replaceAll('CAPTURE_SECRET', this.#secretName(which)),
      })
    }
  }
}

/** One `millrace run`, as a process that can be killed. */
export class Worker {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly log: string

  constructor(folder: string, env: NodeJS.ProcessEnv, number: number) {
    this.#folder = folder
    this.log = join(folder, `worker-${number}.log`)
    const log = openSync(this.log, 'a')
    this.#child = spawn(process.execPath, [...commandLine, '--folder', folder, 'run'], {
      env,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Ends the process and resolves when it is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill(signal)
    await gone
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Whether the worker's log holds these words. */
  said(words: string): boolean {
    return readFileSync(this.log, 'utf8').includes(words)
  }

  /** What the worker's /status says of the sync; undefined while it does not answer. */
  async status(): Promise<
    | {
        readonly state: string
        readonly epoch: string | null
        readonly error: { readonly code: string; readonly message: string } | null
      }
    | undefined
  > {
    const url = this.#url()
    if (url === undefined) return undefined
    const answer = await fetch(`${url}/status`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    return answer === undefined ? undefined : ((await answer.json()) as { syncs: never[] }).syncs[0]
  }

  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(`${this.#url()}${path}`, { signal: AbortSignal.timeout(2000) })
    return { status: answer.status, text: await answer.text() }
  }

  async reaches(...states: readonly string[]): Promise<void> {
    await eventually(`the worker ${states.join(' or ')}`, 60_000, async () => {
      const sync = await this.status()
      return sync !== undefined && states.includes(sync.state) ? true : undefined
    })
  }

  #url(): string | undefined {
    const workers = join(this.#folder, '.millrace', 'workers')
    if (!existsSync(workers)) return undefined
    for (const name of readdirSync(workers)) {
      const file = JSON.parse(readFileSync(join(workers, name), 'utf8'))
      if (file.pid === this.pid) return file.url
    }
    return undefined
  }
}

export async function eventually<Answer>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<Answer | undefined>,
  explain: () => string = () => '',
): Promise<Answer> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${timeoutMs / 1000} s${explain()}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const commandLine = ['--import', 'tsx', join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')]

async function enter(server: RunningPostgres): Promise<pg.Client> {
  const { host, port, user, password } = server
  const client = new pg.Client({ host, port, user, password, database: 'service' })
  // A killed server is part of some scenarios; the query under way says so.
  client.on('error', () => undefined)
  await client.connect()
  await client.query(`SET TIME ZONE 'UTC'`)
  return client
}

function configText(source: RunningPostgres, sink: RunningPostgres): string {
  const { kafka, connect, registry, secretsDir } = realParts()
  const place = ({ host, port }: RunningPostgres) =>
    JSON.stringify({ kind: 'address', host, port, database: 'service' })
  return `import { defineConfig } from 'millrace'
export default defineConfig({
  kafka: { brokers: ['${kafka}'] },
  connect: { url: '${connect}', secret: '\${dir:${secretsDir}:{name}}' },
  registry: { url: '${registry}' },
  databases: { source: ${place(source)}, sink: ${place(sink)} },
})
`
}

function captureText({ tables, capture = '' }: ScenarioOptions): string {
  return `import { postgresSource, secret } from 'millrace'
export default postgresSource({
  database: 'source', user: 'postgres', password: secret('CAPTURE_SECRET'),
  tables: ${JSON.stringify(tables)}, heartbeatMs: 1000, ${capture}
})
`
}
