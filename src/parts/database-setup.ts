import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { fault, messageOf } from '../errors.ts'
import { fillSql, quoteIdentifier } from './postgres-sql.ts'

export interface DatabaseLogin {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** The setting, kept with the database, that says its SQL folder was run. */
const mark = 'millrace.setup'

/**
 * Makes the database and runs its SQL folder, once: all files in name order in one transaction, which also marks it done. Whoever is
 * interrupted does it again from nothing. Throws `DATABASE_SQL` naming the file.
 */
export async function setUpDatabase(
  login: DatabaseLogin,
  options: {
    readonly database: string
    /** Folder of `.sql` files. */
    readonly sql?: string | undefined
    readonly secret: (name: string) => string
  },
): Promise<void> {
  const { database } = options
  await withClient(login, 'postgres', async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${quoteIdentifier(database)} TEMPLATE template0`)
  })
  if (options.sql === undefined) return
  const files = await sqlFiles(options.sql, database)
  await withClient(login, database, async (client) => {
    const { rows } = await client.query<{ done: string | null }>('SELECT current_setting($1, true) AS done', [mark])
    if (rows[0]?.done === 'done') return
    await client.query('BEGIN')
    const transaction = await currentTransaction(client)
    for (const file of files) {
      try {
        // Each file begins as a session of its own would.
        await client.query('RESET SESSION AUTHORIZATION; RESET ALL')
        await client.query(fillSql(await readFile(file, 'utf8'), options.secret))
        if ((await currentTransaction(client)) !== transaction) throw new Error('it ends the transaction it runs in')
      } catch (thrown) {
        throw fault('DATABASE_SQL', { database, file, reason: messageOf(thrown) }, thrown)
      }
    }
    await client.query('RESET SESSION AUTHORIZATION; RESET ALL')
    await client.query(`ALTER DATABASE ${quoteIdentifier(database)} SET ${mark} = 'done'`)
    await client.query('COMMIT')
  })
}

async function sqlFiles(folder: string, database: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
    return names.map((name) => join(folder, name))
  } catch (thrown) {
    throw fault('DATABASE_SQL', { database, file: folder, reason: messageOf(thrown) }, thrown)
  }
}

async function currentTransaction(client: Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')
  return rows[0]!.id
}

/** Runs work on one connection, which is closed afterwards whatever happens. */
export async function withClient<T>(
  login: DatabaseLogin,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ ...login, database, connectionTimeoutMillis: 5_000, application_name: 'millrace-parts' })
  // A server that goes away while nobody asks is found out by the next query.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
