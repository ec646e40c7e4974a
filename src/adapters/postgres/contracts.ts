import { type CatalogReading, readCatalog } from './catalog.ts'
import { type PostgresConnection, Session } from './connection.ts'
import { sourceFault } from './faults.ts'

/** Reads the contracts of `tables` (`schema.table`) from a source's live database. Throws why it could not be asked. */
export async function readContracts(
  connection: PostgresConnection,
  source: string,
  tables: readonly string[],
): Promise<CatalogReading> {
  let session: Session | undefined
  try {
    session = await Session.open(connection, {
      application: `millrace types ${source}`,
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 10_000,
      idleInTransactionTimeoutMs: 60_000,
      connectTimeoutMs: 10_000,
    })
    return await readCatalog(session as unknown as Parameters<typeof readCatalog>[0], source, tables)
  } catch (error) {
    throw sourceFault(error, connection)
  } finally {
    await session?.end()
  }
}
