import { chown, lstat, mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fault } from '../errors.ts'
import { canReach, postgresAccount, reachableFolder } from './account.ts'
import { type DatabaseLogin, setUpDatabase, withClient } from './database-setup.ts'
import type { OnPartsEvent } from './events.ts'
import type { Account, Part, PartName, PrepareContext } from './part.ts'
import { findPostgres, type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts'
import { prepareSecrets, secretValue } from './secrets.ts'
import { runTool } from './tool.ts'

/** The administrator of every embedded server. */
const superuser = 'postgres'

export interface PostgresOptions {
  /** The database; the server is its own. */
  readonly database: string
  /** Folder of `.sql` files run once. */
  readonly sql?: string | undefined
  /** Folder whose dependencies hold the Postgres binaries. */
  readonly project: string
  /** Folder for the server's files. */
  readonly folder: string
  readonly secrets: string
  readonly cache: string
  readonly port: number
  readonly onEvent: OnPartsEvent
}

interface ServerHome {
  readonly folder: string
  readonly binaries: PostgresBinaries
  readonly account: Account | undefined
}

/** The name of the secret that is the administrator's password. */
function superuserSecret(database: string): string {
  return `postgres-${database}-superuser`
}

/** How the administrator of an embedded server logs in; the password is made on first use. */
export function superuserLogin(server: {
  readonly secrets: string
  readonly database: string
  readonly port: number
}): DatabaseLogin {
  // Never from the environment: the server was made with the value of the file.
  const password = secretValue(server.secrets, superuserSecret(server.database), {})
  return { host: '127.0.0.1', port: server.port, user: superuser, password }
}

/** One Postgres server for one database, ready for logical replication. */
export function postgresPart(options: PostgresOptions): Part {
  const name: PartName = `postgres:${options.database}`
  let home: ServerHome
  const login = () => superuserLogin(options)
  return {
    name,
    port: options.port,
    address: `127.0.0.1:${options.port}`,
    readyWithinMs: 60_000,
    // SIGINT ends sessions and shuts down cleanly; SIGTERM would wait for clients to leave.
    stopSignals: [
      { signal: 'SIGINT', waitMs: 20_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
    ],
    async prepare(context) {
      prepareSecrets(options.secrets)
      const account = postgresAccount()
      const folder = await serverFolder(options, name, account)
      const native = findPostgres(options.project, options.database)
      const cache = (await canReach(options.cache, account)) ? options.cache : join(folder, '..')
      home = { folder, account, binaries: await postgresBinaries(native, { cache, account }) }
      await initialise(home, login().password, context)
    },
    command: () => ({
      file: home.binaries.postgres,
      args: ['-D', join(home.folder, 'data'), ...settings(options.port).flatMap((setting) => ['-c', setting])],
      account: home.account,
      cwd: home.folder,
    }),
    probe: () => withClient(login(), 'postgres', (client) => client.query('SELECT 1').then(() => undefined)),
    settle: () =>
      setUpDatabase(login(), {
        database: options.database,
        sql: options.sql,
        secret: (secret) => secretValue(options.secrets, secret),
      }),
  }
}

function settings(port: number): string[] {
  return [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'wal_level=logical',
    'max_replication_slots=16',
    'max_wal_senders=16',
    // A capture that stays away may hold back this much, not the whole disk; then it must load anew, and says so.
    'max_slot_wal_keep_size=8GB',
    'password_encryption=scram-sha-256',
    // Latency from commit to commit can then be asked of the two servers, with nothing of ours in between.
    'track_commit_timestamp=on',
    'log_line_prefix=%m [%p] %u@%d ',
    'logging_collector=off',
  ]
}

/**
 * Where a server's files are: the folder given, or, when the account it must run as cannot enter that, a folder elsewhere that it
 * can, with a link to it in its place.
 */
async function serverFolder(options: PostgresOptions, part: PartName, account: Account | undefined): Promise<string> {
  const { folder } = options
  const there = await lstat(folder).catch(() => undefined)
  if (there?.isSymbolicLink()) return readlink(folder)
  if (there === undefined) {
    await mkdir(dirname(folder), { recursive: true })
    await mkdir(folder, { mode: 0o700 })
  }
  if (account === undefined) return folder
  await chown(folder, account.uid, account.gid)
  if (await canReach(folder, account)) return folder
  const parent = await reachableFolder(account)
  const elsewhere = join(parent, 'server')
  await mkdir(elsewhere, { mode: 0o700 })
  await chown(elsewhere, account.uid, account.gid)
  await chown(parent, account.uid, account.gid)
  await rm(folder, { recursive: true })
  await symlink(elsewhere, folder)
  options.onEvent({ kind: 'data-elsewhere', part, folder: elsewhere })
  return elsewhere
}

/** Deletes a server's files, wherever they are. Nothing may be running on them. */
export async function removeServerFolder(folder: string): Promise<void> {
  const there = await lstat(folder).catch(() => undefined)
  if (there?.isSymbolicLink()) await rm(dirname(await readlink(folder)), { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
}

/** Makes the server's files once; they appear whole or not at all. */
async function initialise(home: ServerHome, password: string, context: PrepareContext): Promise<void> {
  const data = join(home.folder, 'data')
  if (await lstat(data).catch(() => undefined)) return
  const draft = join(home.folder, 'data.draft')
  const passwordFile = join(home.folder, 'password.draft')
  await rm(draft, { recursive: true, force: true })
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    if (home.account) await chown(passwordFile, home.account.uid, home.account.gid)
    await runInitdb(home, ['-D', draft, `--pwfile=${passwordFile}`], context)
    await rename(draft, data)
  } finally {
    await rm(passwordFile, { force: true })
  }
}

async function runInitdb(home: ServerHome, args: readonly string[], context: PrepareContext): Promise<void> {
  const fixed = ['-U', superuser, '-A', 'scram-sha-256', '-E', 'UTF8', '--locale-provider=builtin', '--locale=C.UTF-8']
  const { code, lines } = await runTool(
    {
      file: home.binaries.initdb,
      args: [...args, ...fixed],
      cwd: home.folder,
      account: home.account,
      env: { ...context.env, LC_ALL: 'C' },
    },
    context,
  )
  if (code === 0) return
  const reason = lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1)
  throw fault('PART_TOOL_FAILED', { what: 'make the Postgres server', reason: reason ?? `initdb ended with ${code}` })
}
