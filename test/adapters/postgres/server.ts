import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { PostgresConnection } from '../../../src/adapters/postgres/connection.ts'
import { type RunningPostgres, startPostgres } from '../../../src/parts/index.ts'

/** A Postgres of the test's own, with a new database for whoever asks. */
export class TestServer {
  readonly #server: RunningPostgres
  #databases = 0

  private constructor(server: RunningPostgres) {
    this.#server = server
  }

  static async start(): Promise<TestServer> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'))
    return new TestServer(await startPostgres({ folder, database: 'main' }))
  }

  get main(): PostgresConnection {
    const { host, port, database, user, password } = this.#server
    return { host, port, database, user, password }
  }

  async database(): Promise<PostgresConnection> {
    const database = `test_${++this.#databases}`
    await this.query(this.main, `CREATE DATABASE ${database}`)
    return { ...this.main, database }
  }

  async query(
    connection: PostgresConnection,
    text: string,
    values: unknown[] = [],
  ): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ ...connection })
    await client.connect()
    try {
      const result = await client.query(text, values.length > 0 ? values : undefined)
      return (Array.isArray(result) ? result.at(-1) : result).rows
    } finally {
      await client.end()
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#server.kill(signal)
  }

  async stop(): Promise<void> {
    await this.#server.remove()
  }
}
