import type { TargetTable } from '../../contract/target-table.ts'
import { fault } from '../../errors.ts'
import type { SinkDatabase, SinkNeeds, SinkReport, Statement, StoredPosition } from '../../project/ports.ts'
import { type PostgresConnection, Session } from './connection.ts'
import { serverError, sinkFault } from './faults.ts'
import { quoteName, quoteTable, quoteText, type TableRef } from './names.ts'
import { forgetSql, type PositionRow, positionsSql, readAllSql, storedPosition } from './positions.ts'
import { stagingComment, stagingSchema, stagingSchemaSql } from './staging.ts'
import { readTargets } from './target-catalog.ts'
import { targetEnums } from './target-enums.ts'
import { targetProblems } from './target-problems.ts'
import { tableStatements } from './target-tables.ts'

/** The sink database of a sync, to inspect and to prepare. Connects when it is first used. */
export function postgresSinkDatabase(connection: PostgresConnection): SinkDatabase {
  return new PostgresSinkDatabase(connection)
}

class PostgresSinkDatabase implements SinkDatabase {
  readonly #connection: PostgresConnection
  #session: Session | undefined

  constructor(connection: PostgresConnection) {
    this.#connection = connection
  }

  async inspect(needs: SinkNeeds): Promise<SinkReport> {
    try {
      return await inspect(await this.#open(), this.#connection, needs)
    } catch (error) {
      const problems = [sinkFault(error, this.#connection)]
      return { problems, warnings: [], statements: [], present: [], removal: [] }
    }
  }

  async apply(statements: readonly Statement[]): Promise<void> {
    if (statements.length === 0) return
    const session = await this.#open()
    try {
      await session.query('BEGIN')
      // Two applies at once would both find nothing and both create it.
      await session.query(`SELECT pg_advisory_xact_lock(hashtext('millrace apply'))`)
      for (const { sql } of statements) await session.query(sql)
      await session.query('COMMIT')
    } catch (error) {
      await session.query('ROLLBACK').catch(() => {})
      throw sinkFault(error, this.#connection)
    }
  }

  async forget(sync: string): Promise<boolean> {
    try {
      const session = await this.#open()
      const { rowCount } = await session.query(forgetSql, [sync])
      return rowCount === 1
    } catch (error) {
      throw sinkFault(error, this.#connection)
    }
  }

  async positions(): Promise<readonly StoredPosition[]> {
    const session = await this.#open()
    try {
      const { rows } = await session.query<PositionRow & { sync: string }>(readAllSql)
      return rows.map(storedPosition)
    } catch (error) {
      const code = serverError(error)?.code
      if (code === '42P01' || code === '3F000') return []
      throw sinkFault(error, this.#connection)
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
        statementTimeoutMs: 0,
        lockTimeoutMs: 30_000,
        idleInTransactionTimeoutMs: 60_000,
      })
      return this.#session
    } catch (error) {
      throw sinkFault(error, this.#connection)
    }
  }
}

async function inspect(session: Session, to: PostgresConnection, { sync, targets }: SinkNeeds): Promise<SinkReport> {
  const catalog = await readTargets(session, targets)
  const enums = await targetEnums(session, targets)
  const place = await readPlace(session, targets)
  const find = ({ schema, table }: TargetTable) =>
    catalog.tables.find((found) => found.schema === schema && found.table === table)
  const missing = targets.filter((target) => find(target) === undefined)

  const schemas = [...new Set(missing.map(({ schema }) => schema))].filter((schema) => !place.schemas.has(schema))
  const own = ownStatements(place)
  const statements: Statement[] = [
    ...own,
    ...schemas.map((schema) => ({
      title: `create schema ${schema}`,
      sql: `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`,
    })),
    ...enums.statements(missing),
    ...tableStatements(missing, targets, catalog.tables, enums),
  ]
  const problems = targets.flatMap((target) => {
    const found = find(target)
    return found ? targetProblems(target, found, enums) : []
  })
  const { user, database } = to
  const lacks = (reason: string, grant: string) =>
    problems.push(fault('SINK_PRIVILEGE', { user, database, reason, grant }))
  const role = quoteName(user)
  if (own.length + schemas.length > 0 && !place.createsSchemas) {
    lacks('it may not create schemas', `GRANT CREATE ON DATABASE ${quoteName(database)} TO ${role};`)
  }
  const filled = [...missing.map((target) => target.schema), ...(place.positions ? [] : ['millrace']), stagingSchema]
  for (const schema of new Set(filled)) {
    if (place.schemas.get(schema)?.creates !== false) continue
    const grant = `GRANT USAGE, CREATE ON SCHEMA ${quoteName(schema)} TO ${role};`
    lacks(`it may not create tables in schema ${schema}`, grant)
  }
  if (place.positions && place.schemas.get('millrace')?.uses === false) {
    lacks('no USAGE on schema millrace', `GRANT USAGE ON SCHEMA millrace TO ${role};`)
  }
  for (const table of catalog.tables) {
    const usage = table.lacking.includes('USAGE')
    const rights = table.lacking.filter((right) => right !== 'USAGE')
    const grants = [
      ...(usage ? [`GRANT USAGE ON SCHEMA ${quoteName(table.schema)} TO ${role};`] : []),
      ...(rights.length > 0 ? [`GRANT ${rights.join(', ')} ON ${quoteTable(table)} TO ${role};`] : []),
    ]
    if (grants.length > 0) lacks(`no ${table.lacking.join(', ')} on ${table.schema}.${table.table}`, grants.join(' '))
  }
  if (place.positionsLacking.length > 0) {
    const rights = place.positionsLacking.join(', ')
    lacks(`no ${rights} on millrace.positions`, `GRANT ${rights} ON millrace.positions TO ${role};`)
  }
  return {
    problems,
    warnings: [],
    statements,
    present: catalog.tables.map(({ schema, table, rowsEstimated }) => ({ schema, table, rowsEstimated })),
    removal: await removal(session, place, sync),
  }
}

/** What the role may do, and what of millrace's own is there. */
interface Place {
  readonly createsSchemas: boolean
  /** Of the schemas that exist: whether the role may create in them, or at least use what is in them. */
  readonly schemas: ReadonlyMap<string, { readonly creates: boolean; readonly uses: boolean }>
  readonly positions: boolean
  readonly positionsLacking: readonly string[]
}

async function readPlace(session: Session, targets: readonly TargetTable[]): Promise<Place> {
  const names = [...new Set([...targets.map(({ schema }) => schema), 'millrace', stagingSchema])]
  const { rows } = await session.query<{
    creates: boolean
    schemas: { name: string; creates: boolean; uses: boolean }[] | null
    positions: boolean
    lacking: string[]
  }>(
    `SELECT has_database_privilege(current_database(), 'CREATE') AS creates,
  (SELECT json_agg(json_build_object('name', nspname, 'creates', has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE'),
    'uses', has_schema_privilege(oid, 'USAGE')))
    FROM pg_namespace WHERE nspname = ANY($1::text[])) AS schemas,
  p.oid IS NOT NULL AS positions,
  ARRAY(SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) r
    WHERE p.oid IS NOT NULL AND NOT has_table_privilege(p.oid, r)) AS lacking
FROM (SELECT (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'millrace' AND c.relname = 'positions') AS oid) p`,
    [names],
  )
  const row = rows[0]!
  return {
    createsSchemas: row.creates,
    schemas: new Map((row.schemas ?? []).map((schema) => [schema.name, schema])),
    positions: row.positions,
    positionsLacking: row.lacking,
  }
}

function ownStatements(place: Place): Statement[] {
  const statements: Statement[] = []
  if (!place.schemas.has('millrace')) statements.push({ title: 'create schema millrace', sql: positionsSql.schema })
  if (!place.positions) statements.push({ title: 'create table millrace.positions', sql: positionsSql.table })
  if (!place.schemas.has(stagingSchema)) {
    statements.push({ title: `create schema ${stagingSchema}`, sql: stagingSchemaSql })
  }
  return statements
}

async function removal(session: Session, place: Place, sync: string): Promise<Statement[]> {
  const statements: Statement[] = []
  const copies = await session.query<TableRef>(
    `SELECT n.nspname AS schema, c.relname AS "table" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = $2 ORDER BY 2`,
    [stagingSchema, stagingComment(sync)],
  )
  for (const copy of copies.rows) {
    statements.push({
      title: `drop table ${copy.schema}.${copy.table}`,
      sql: `DROP TABLE IF EXISTS ${quoteTable(copy)}`,
    })
  }
  if (place.positions && !place.positionsLacking.includes('SELECT')) {
    const { rows } = await session.query('SELECT FROM millrace.positions WHERE sync = $1', [sync])
    if (rows.length > 0) {
      const sql = `DELETE FROM millrace.positions WHERE sync = ${quoteText(sync)}`
      statements.push({ title: `forget the position of ${sync}`, sql })
    }
  }
  return statements
}
