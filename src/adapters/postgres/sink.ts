import type { TargetTable } from '../../contract/target-table.ts'
import type { Position, SinkTransaction, SyncSink } from '../../engine/ports.ts'
import { fault } from '../../errors.ts'
import { type PostgresConnection, Session, type SessionOptions } from './connection.ts'
import { isBug, serverError, sinkFault } from './faults.ts'
import { boundedName, quoteTable } from './names.ts'
import { endOthersSql, lockSql, type PositionRow, positionOf, readSql, takeOverSql } from './positions.ts'
import { type SinkTables, sinkTables } from './sink-tables.ts'
import { PostgresSinkTransaction } from './sink-transaction.ts'
import { StatementNames } from './statement-names.ts'
import { readTargets } from './target-catalog.ts'

export interface PostgresSinkOptions {
  readonly connection: PostgresConnection
  /** The sync's name: names its position, its staging tables and its sessions. */
  readonly sync: string
  /** The source's name. A position left by another source counts as none. */
  readonly source: string
  readonly targets: readonly TargetTable[]
  /** Default: 120 s. Statements over whole tables (a merge, a clear) have no limit. */
  readonly statementTimeoutMs?: number
  /** Default: 30 s. */
  readonly lockTimeoutMs?: number
  /** Default: 120 s. */
  readonly idleInTransactionTimeoutMs?: number
  /** How long a take-over waits for an owner in the middle of a transaction before it ends that owner's session. Default: 5 s. */
  readonly patienceMs?: number
}

/** Keeps one sync's targets in a Postgres together with its position. Connects when it is first used. */
export function postgresSyncSink(options: PostgresSinkOptions): SyncSink {
  return new PostgresSyncSink(options)
}

/** How long a connection may take to be made. */
const connectTimeoutMs = 10_000

/**
 * Every write finds its rows by key, and plans are made before the tables' sizes are known: a plan that reads a whole small table
 * would be kept when it has grown.
 */
const writeSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
}

interface Opened {
  readonly session: Session
  readonly tables: SinkTables
  readonly names: StatementNames
}

class PostgresSyncSink implements SyncSink {
  readonly #options: PostgresSinkOptions
  readonly #application: string
  #opened: Opened | undefined
  #open: PostgresSinkTransaction | undefined
  #closed = false

  constructor(options: PostgresSinkOptions) {
    this.#options = options
    this.#application = applicationName(options.sync)
  }

  async takeOver(): Promise<{ epoch: bigint; position: Position | null }> {
    const { sync, source, patienceMs = 5_000 } = this.#options
    return this.#with(async ({ session }) => {
      await session.query(`SELECT set_config('lock_timeout', $1, false)`, [String(patienceMs)])
      try {
        return await this.#raise(session, sync, source)
      } catch (error) {
        if (serverError(error)?.code !== '55P03') throw error
        await session.query(endOthersSql, [this.#application])
        return await this.#raise(session, sync, source)
      } finally {
        await session
          .query(`SELECT set_config('lock_timeout', $1, false)`, [String(this.#lockTimeoutMs)])
          .catch(() => {})
      }
    })
  }

  async begin(epoch: bigint): Promise<SinkTransaction> {
    const { sync, connection } = this.#options
    return this.#with(async (opened) => {
      const { session, names } = opened
      const name = names.nameOf(lockSql)
      const [, lock] = await allAnswered([
        session.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL DEFERRED'),
        session.query(lockSql, [sync, String(epoch)], name === undefined ? {} : { name }),
      ])
      if (lock!.rowCount !== 1) {
        await session.query('ROLLBACK')
        throw fault('FENCED', { sync })
      }
      const transaction: PostgresSinkTransaction = new PostgresSinkTransaction({
        ...opened,
        sync,
        epoch,
        connection,
        over: async (reusable) => {
          if (this.#open === transaction) this.#open = undefined
          if (!reusable) await this.#discard(session)
        },
      })
      this.#open = transaction
      return transaction
    })
  }

  async targetsEmpty(): Promise<boolean> {
    return this.#with(async ({ session, tables }) => {
      if (!tables.loadable) return false
      const rows = tables.all.map(({ target }) => `EXISTS (SELECT FROM ${quoteTable(target)})`)
      const { rows: answer } = await session.query<{ filled: boolean }>(`SELECT ${rows.join(' OR ')} AS filled`)
      return !answer[0]!.filled
    })
  }

  async position(): Promise<{ epoch: bigint; position: Position | null }> {
    const session = await this.#connect()
    try {
      const { rows } = await session.query<PositionRow>(readSql, [this.#options.sync]).catch(positionsMissing)
      const row = rows[0]
      return row ? { epoch: BigInt(row.epoch), position: positionOf(row) } : { epoch: 0n, position: null }
    } catch (error) {
      throw sinkFault(error, this.#options.connection)
    } finally {
      await session.end()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#open?.rollback()
    const opened = this.#opened
    this.#opened = undefined
    await opened?.session.end()
  }

  get #lockTimeoutMs(): number {
    return this.#options.lockTimeoutMs ?? 30_000
  }

  async #raise(session: Session, sync: string, source: string) {
    const { rows } = await session.query<PositionRow>(takeOverSql, [sync, source]).catch(positionsMissing)
    return { epoch: BigInt(rows[0]!.epoch), position: positionOf(rows[0]!) }
  }

  /** Runs on the one session, which no failed call leaves behind for the next. */
  async #with<Result>(work: (opened: Opened) => Promise<Result>): Promise<Result> {
    if (this.#closed) throw fault('SINK_MISUSED', { reason: 'the sink is closed' })
    if (this.#open) throw fault('SINK_MISUSED', { reason: 'a transaction is open' })
    try {
      this.#opened = this.#opened && !this.#opened.session.lost ? this.#opened : await this.#start()
      return await work(this.#opened)
    } catch (error) {
      if (this.#opened) await this.#discard(this.#opened.session)
      if (isBug(error)) throw error
      throw sinkFault(error, this.#options.connection)
    }
  }

  async #start(): Promise<Opened> {
    const { sync, targets } = this.#options
    const session = await this.#connect(writeSettings)
    try {
      const catalog = await readTargets(session, targets)
      return { session, tables: sinkTables(sync, targets, catalog), names: new StatementNames() }
    } catch (error) {
      await session.end()
      throw error
    }
  }

  async #connect(settings: Record<string, string> = {}): Promise<Session> {
    const { connection, statementTimeoutMs = 120_000, idleInTransactionTimeoutMs = 120_000 } = this.#options
    const options: SessionOptions = {
      application: this.#application,
      connectTimeoutMs,
      statementTimeoutMs,
      lockTimeoutMs: this.#lockTimeoutMs,
      idleInTransactionTimeoutMs,
      settings,
      pipeline: true,
    }
    try {
      return await Session.open(connection, options)
    } catch (error) {
      throw sinkFault(error, connection)
    }
  }

  async #discard(session: Session): Promise<void> {
    if (this.#opened?.session === session) this.#opened = undefined
    await session.end()
  }
}

function positionsMissing(error: unknown): never {
  const code = serverError(error)?.code
  if (code === '42P01' || code === '3F000') throw fault('TARGET_MISSING', { table: 'millrace.positions' }, error)
  throw error
}

/** Postgres keeps printable ASCII of it only, and 63 bytes. */
function applicationName(sync: string): string {
  return boundedName(`millrace ${sync}`.replaceAll(/[^ -~]/g, '?'))
}

/** All answers, or the first failure once all have come: none is left without someone who looks at it. */
async function allAnswered<Result>(answers: readonly Promise<Result>[]): Promise<Result[]> {
  const settled = await Promise.allSettled(answers)
  return settled.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  })
}
