import type { QueryResult, QueryResultRow } from 'pg'
import pg from 'pg'

/** Where a Postgres is and how to enter. The password never leaves this object. */
export interface PostgresConnection {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** As libpq names it. `disable`, `allow` and `prefer` (the default) connect without TLS. */
  readonly sslmode?: string
}

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly application: string
  /** The server ends a statement after this. 0: never. */
  readonly statementTimeoutMs: number
  /** The server gives up waiting for a lock after this. */
  readonly lockTimeoutMs: number
  /** The server ends a session that leaves a transaction open this long without a word. */
  readonly idleInTransactionTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Further settings of the session. */
  readonly settings?: Readonly<Record<string, string>>
  /** Sends statements without waiting for the answers of those before. */
  readonly pipeline?: boolean
}

/** How long after the server should have ended a statement we hold the connection for dead. */
const graceMs = 15_000

/** The server's side drops a client that is gone within about a minute. Ignored on Unix sockets. */
const keepalive = { tcp_keepalives_idle: '20', tcp_keepalives_interval: '10', tcp_keepalives_count: '3' }

/**
 * One connection. Rejections are the driver's own errors: who knows what was being done maps them (`faults.ts`).
 */
export class Session {
  readonly #client: pg.Client
  readonly #statementTimeoutMs: number
  #lost: Error | undefined

  private constructor(client: pg.Client, statementTimeoutMs: number) {
    this.#client = client
    this.#statementTimeoutMs = statementTimeoutMs
    client.on('error', (error) => {
      this.#lost ??= error
    })
    client.on('end', () => {
      this.#lost ??= new Error('the connection was closed')
    })
  }

  static async open(connection: PostgresConnection, options: SessionOptions): Promise<Session> {
    const config: pg.ClientConfig & { pipeline: boolean } = {
      host: connection.host,
      port: connection.port,
      database: connection.database,
      user: connection.user,
      password: connection.password,
      ssl: tls(connection.sslmode),
      application_name: options.application,
      connectionTimeoutMillis: options.connectTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      pipeline: options.pipeline ?? false,
    }
    const client = new pg.Client(config)
    const session = new Session(client, options.statementTimeoutMs)
    try {
      await client.connect()
      const settings = Object.entries({ ...keepalive, ...options.settings })
      await session.query(
        `SELECT ${settings.map((_, at) => `set_config($${2 * at + 1}, $${2 * at + 2}, false)`)}`,
        settings.flat(),
      )
    } catch (error) {
      await session.end()
      throw error
    }
    return session
  }

  /** Why this connection is of no use any more; undefined while it is. */
  get lost(): Error | undefined {
    return this.#lost
  }

  /**
   * One statement. With `name` it is prepared once per connection. `longMs` replaces the session's time limit; it must be what the
   * server was told as well.
   */
  async query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    { name, limitMs }: { readonly name?: string; readonly limitMs?: number } = {},
  ): Promise<QueryResult<Row>> {
    const limit = limitMs ?? this.#statementTimeoutMs
    const watchdog =
      limit === 0
        ? undefined
        : setTimeout(() => this.#sever(`no answer within ${(limit + graceMs) / 1000} s`), limit + graceMs)
    try {
      return await this.#client.query<Row>({
        text,
        ...(values === undefined ? {} : { values: values as unknown[] }),
        ...(name === undefined ? {} : { name }),
      })
    } finally {
      clearTimeout(watchdog)
    }
  }

  /** Ends the connection, politely where that works. Never rejects. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.#sever('it did not close'), 2_000)
    await this.#client.end().catch(() => {})
    clearTimeout(timer)
  }

  #sever(reason: string): void {
    this.#lost ??= new Error(reason)
    // pg has no public way to drop a connection that does not answer; end() would wait for it.
    const { connection } = this.#client as unknown as { connection: { stream: { destroy(error: Error): void } } }
    connection.stream.destroy(new Error(reason))
  }
}

function tls(sslmode: string | undefined): pg.ClientConfig['ssl'] {
  if (sslmode === 'require') return { rejectUnauthorized: false }
  if (sslmode === 'verify-ca') return { rejectUnauthorized: true, checkServerIdentity: () => undefined }
  if (sslmode === 'verify-full') return { rejectUnauthorized: true }
  return false
}
