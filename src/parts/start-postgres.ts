import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import type { OnPartsEvent } from './events.ts'
import { choosePorts } from './ports.ts'
import { postgresPart, removeServerFolder, superuserLogin } from './postgres.ts'
import { secretValue } from './secrets.ts'
import { Supervisor } from './supervisor.ts'

/** A Postgres server that runs on its own, outside a project. */
export interface RunningPostgres {
  readonly host: string
  readonly port: number
  readonly database: string
  /** The administrator. */
  readonly user: string
  readonly password: string
  /** The value that `:'NAME'` had in the SQL folder. */
  secret(name: string): string
  kill(signal: NodeJS.Signals): void
  stop(): Promise<void>
  /** Stops it and deletes all its files, those kept outside `folder` too. */
  remove(): Promise<void>
}

/** Starts one Postgres server with its files in `folder`, on a free port, and keeps it running until `stop`. */
export async function startPostgres(options: {
  readonly folder: string
  readonly database: string
  /** Folder of `.sql` files run once, `:'NAME'` being secrets made at random. */
  readonly sql?: string
  readonly port?: number
  readonly onEvent?: OnPartsEvent
  readonly signal?: AbortSignal
}): Promise<RunningPostgres> {
  const { folder, database } = options
  const onEvent = options.onEvent ?? (() => undefined)
  await mkdir(folder, { recursive: true })
  const secrets = join(folder, 'secrets')
  const ports = await choosePorts([{ name: 'postgres', pinned: options.port }])
  const part = postgresPart({
    database,
    sql: options.sql,
    project: folder,
    folder: join(folder, 'server'),
    secrets,
    cache: cacheFolder(),
    port: ports.postgres!,
    onEvent,
  })
  const log = join(folder, 'postgres.log')
  const supervisor = new Supervisor(part, { log, project: folder, onEvent, onState: () => undefined })
  await supervisor.start(options.signal ?? new AbortController().signal)
  return {
    ...superuserLogin({ secrets, database, port: part.port }),
    database,
    secret: (name) => secretValue(secrets, name),
    kill: (signal) => supervisor.kill(signal),
    stop: () => supervisor.stop(),
    async remove() {
      await supervisor.stop()
      await removeServerFolder(join(folder, 'server'))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
