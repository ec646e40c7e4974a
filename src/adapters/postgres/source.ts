import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceDatabase, SourceNeeds, SourceReport, Statement } from '../../project/ports.ts'
import { type PostgresConnection, Session } from './connection.ts'
import { serverError, sourceFault } from './faults.ts'
import { quoteName, quoteText } from './names.ts'
import {
  type PublicationProbe,
  probePublication,
  probeServer,
  probeSlot,
  probeTables,
  type SlotProbe,
  tableNames,
} from './source-probe.ts'
import { type SourceFindings, sourceProblems, sourceWarnings } from './source-problems.ts'
import { leastPrivilege, publicationStatements } from './source-publication.ts'

/** How long a slot is waited for that its last reader has not let go yet. */
const slotReleaseMs = 15_000

/** The database a connector captures, to inspect and to prepare. Connects when it is first used. */
export function postgresSourceDatabase(connection: PostgresConnection): SourceDatabase {
  return new PostgresSourceDatabase(connection)
}

class PostgresSourceDatabase implements SourceDatabase {
  readonly #connection: PostgresConnection
  #session: Session | undefined

  constructor(connection: PostgresConnection) {
    this.#connection = connection
  }

  async inspect(needs: SourceNeeds): Promise<SourceReport> {
    const { user, database } = this.#connection
    const grants = needs.tables.length > 0 ? leastPrivilege(needs, user, database) : []
    try {
      const found = await probe(await this.#open(), needs)
      const { server, tables, slot, publication } = found
      return {
        problems: sourceProblems(needs, found, this.#connection),
        warnings: sourceWarnings(found, this.#connection),
        ...(server.identity === null ? {} : { identity: server.identity }),
        serverVersion: server.version,
        ...(server.walLsn === null ? {} : { walLsn: server.walLsn }),
        tables: [...tables.values()],
        slot,
        publication,
        statements: needs.tables.length > 0 ? publicationStatements(needs, publication) : [],
        removal: removal(slot, publication),
        leastPrivilege: grants,
      }
    } catch (error) {
      return {
        problems: [sourceFault(error, this.#connection)],
        warnings: [],
        tables: [],
        slot: null,
        publication: null,
        statements: [],
        removal: [],
        leastPrivilege: grants,
      }
    }
  }

  async apply(statements: readonly Statement[]): Promise<void> {
    if (statements.length === 0) return
    const session = await this.#open()
    const until = Date.now() + slotReleaseMs
    for (;;) {
      try {
        await session.query('BEGIN')
        await session.query(`SELECT pg_advisory_xact_lock(hashtext('millrace apply'))`)
        for (const { sql } of statements) await session.query(sql)
        await session.query('COMMIT')
        return
      } catch (error) {
        await session.query('ROLLBACK').catch(() => {})
        const inUse = serverError(error)?.code === '55006'
        if (!inUse || Date.now() > until) throw sourceFault(error, this.#connection)
        await sleep(500)
      }
    }
  }

  async close(): Promise<void> {
    await this.#session?.end()
    this.#session = undefined
  }

  async #open(): Promise<Session> {
    if (this.#session && !this.#session.lost) return this.#session
    try {
      this.#session = await Session.open(this.#connection, {
        application: 'millrace plan',
        connectTimeoutMs: 10_000,
        statementTimeoutMs: 60_000,
        lockTimeoutMs: 30_000,
        idleInTransactionTimeoutMs: 60_000,
      })
      return this.#session
    } catch (error) {
      throw sourceFault(error, this.#connection)
    }
  }
}

async function probe(session: Session, needs: SourceNeeds): Promise<SourceFindings> {
  const server = await probeServer(session)
  const tables = await probeTables(session, needs.tables)
  const slot = await probeSlot(session, needs.slot)
  const publication = await probePublication(session, needs.publication)
  const names = needs.tables.every((table) => tables.has(table)) ? [] : await tableNames(session)
  return { server, tables, slot, publication, names }
}

/** The slot last: it cannot be brought back, and while someone reads it nothing else of this happens either. */
function removal(slot: SlotProbe | null, publication: PublicationProbe | null): Statement[] {
  const statements: Statement[] = []
  if (publication?.owned) {
    const title = `drop publication ${publication.name}`
    statements.push({ title, sql: `DROP PUBLICATION IF EXISTS ${quoteName(publication.name)}` })
  }
  if (slot?.here && slot.plugin === 'pgoutput') {
    const title = `drop replication slot ${slot.name}`
    statements.push({ title, sql: `SELECT pg_drop_replication_slot(${quoteText(slot.name)})` })
  }
  return statements
}
