import type { SourceNeeds, Statement } from '../../project/ports.ts'
import { parseTable, quoteName, quoteTable } from './names.ts'
import type { PublicationProbe } from './source-probe.ts'

const actions = ['insert', 'update', 'delete', 'truncate'] as const
const options = `publish = '${actions.join(', ')}', publish_via_partition_root = true`

/** Brings the publication to exactly the declared tables, whole rows, all four actions. */
export function publicationStatements(needs: SourceNeeds, found: PublicationProbe | null): Statement[] {
  const { publication, tables } = needs
  const name = quoteName(publication)
  const list = tables.map((table) => quoteTable(parseTable(table))).join(', ')
  const create = {
    title: `create publication ${publication} for ${tables.join(', ')}`,
    sql: `CREATE PUBLICATION ${name} FOR TABLE ${list} WITH (${options})`,
  }
  if (found === null) return [create]
  if (found.allTables) {
    const title = `drop publication ${publication}, which publishes all tables`
    return [{ title, sql: `DROP PUBLICATION ${name}` }, create]
  }
  const statements: Statement[] = []
  const more = tables.filter((table) => !found.tables.includes(table))
  const less = found.tables.filter((table) => !tables.includes(table))
  if (more.length > 0 || less.length > 0 || found.narrowed) {
    const what = [
      ...more.map((table) => `add ${table}`),
      ...less.map((table) => `remove ${table}`),
      ...(found.narrowed ? ['whole tables only'] : []),
    ]
    statements.push({
      title: `change publication ${publication}: ${what.join(', ')}`,
      sql: `ALTER PUBLICATION ${name} SET TABLE ${list}`,
    })
  }
  if (!found.viaPartitionRoot || actions.some((action) => !found.actions.includes(action))) {
    statements.push({
      title: `change publication ${publication}: publish ${actions.join(', ')}, partitions as their root`,
      sql: `ALTER PUBLICATION ${name} SET (${options})`,
    })
  }
  return statements
}

/** What an administrator runs once, so that the capture role needs nothing else. */
export function leastPrivilege(needs: SourceNeeds, user: string, database: string): Statement[] {
  const role = quoteName(user)
  const refs = needs.tables.map(parseTable)
  const schemas = [...new Set(refs.map(({ schema }) => schema))].map(quoteName).join(', ')
  return [
    { title: `let ${user} replicate`, sql: `ALTER ROLE ${role} LOGIN REPLICATION` },
    { title: `let ${user} connect`, sql: `GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${role}` },
    { title: `let ${user} see the schemas`, sql: `GRANT USAGE ON SCHEMA ${schemas} TO ${role}` },
    { title: `let ${user} read the tables`, sql: `GRANT SELECT ON ${refs.map(quoteTable).join(', ')} TO ${role}` },
    ...publicationStatements(needs, null),
  ]
}
