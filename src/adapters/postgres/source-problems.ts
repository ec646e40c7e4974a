import { fault, type MillraceError } from '../../errors.ts'
import type { SourceNeeds } from '../../project/ports.ts'
import type { PostgresConnection } from './connection.ts'
import { parseTable, quoteName, quoteTable, type TableRef } from './names.ts'
import { nearest } from './nearest.ts'
import type { PublicationProbe, ServerProbe, SlotProbe, TableProbe } from './source-probe.ts'
import { publicationStatements } from './source-publication.ts'

/** All that was found out about a source. */
export interface SourceFindings {
  readonly server: ServerProbe
  readonly tables: ReadonlyMap<string, TableProbe>
  readonly slot: SlotProbe | null
  readonly publication: PublicationProbe | null
  /** Tables there are, for hints; asked for only when one is missing. */
  readonly names: readonly TableRef[]
}

const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  c: 'a composite type',
}

/** Everything that keeps a capture from running. */
export function sourceProblems(needs: SourceNeeds, found: SourceFindings, at: PostgresConnection): MillraceError[] {
  return [
    ...serverProblems(found, at),
    ...slotProblems(needs, found.slot),
    ...needs.tables.flatMap((table) => tableProblems(table, found, at)),
    ...publicationProblems(needs, found, at),
  ]
}

/** What a person should know and may leave. */
export function sourceWarnings({ server, slot }: SourceFindings, { host, port }: PostgresConnection): MillraceError[] {
  const { walKeepMax } = server
  const warn = (reason: string) => [fault('SOURCE_WAL_BUDGET', { host, port, reason })]
  if (walKeepMax === null) {
    return warn('max_slot_wal_keep_size is not set: a slot that is not read keeps WAL until the disk is full')
  }
  const kept = Number(slot?.keptBytes ?? 0)
  if (kept > 0.8 * walKeepMax) {
    const share = Math.round((100 * kept) / walKeepMax)
    return warn(`slot ${slot?.name} keeps ${share} % of max_slot_wal_keep_size; beyond it the server drops the WAL`)
  }
  return []
}

function serverProblems({ server, slot }: SourceFindings, { host, port, user }: PostgresConnection): MillraceError[] {
  const problems: MillraceError[] = []
  if (server.walLevel !== 'logical') problems.push(fault('SOURCE_WAL_LEVEL', { host, port, level: server.walLevel }))
  if (!server.mayReplicate) {
    const grant = `ALTER ROLE ${quoteName(user)} REPLICATION;`
    problems.push(fault('SOURCE_REPLICATION_PRIVILEGE', { user, host, port, grant }))
  }
  if (slot === null && server.slotsUsed >= server.slotsMax) {
    const facts = { what: 'replication slot', limit: 'max_replication_slots', max: server.slotsMax }
    problems.push(fault('SOURCE_SLOTS_FULL', { host, port, ...facts }))
  }
  if (!slot?.active && server.sendersUsed >= server.sendersMax) {
    const facts = { what: 'WAL sender', limit: 'max_wal_senders', max: server.sendersMax }
    problems.push(fault('SOURCE_SLOTS_FULL', { host, port, ...facts }))
  }
  return problems
}

function slotProblems({ slot: name }: SourceNeeds, slot: SlotProbe | null): MillraceError[] {
  if (slot === null) return []
  const foreign = (reason: string) => [fault('SOURCE_SLOT_FOREIGN', { slot: name, reason })]
  if (slot.type !== 'logical') return foreign('it is a physical slot')
  if (!slot.here) return foreign(`it belongs to the database ${slot.database}`)
  if (slot.plugin !== 'pgoutput') return foreign(`it decodes with ${slot.plugin}, not with pgoutput`)
  if (slot.walStatus === 'lost') {
    return [fault('SOURCE_SLOT_LOST', { slot: name, reason: slot.invalidation ?? 'wal_status is lost' })]
  }
  return []
}

function tableProblems(
  table: string,
  { tables, names }: SourceFindings,
  { user }: PostgresConnection,
): MillraceError[] {
  const quoted = quoteTable(parseTable(table))
  const found = tables.get(table)
  if (found === undefined) {
    const meant = nearest(
      table,
      names.map((name) => `${name.schema}.${name.table}`),
    )
    return [fault('SOURCE_TABLE_MISSING', { table, hint: meant === undefined ? '' : `; did you mean ${meant}?` })]
  }
  if (found.kind !== 'r' && found.kind !== 'p') {
    return [fault('SOURCE_TABLE_KIND', { table, what: kinds[found.kind] ?? 'no table' })]
  }
  const problems: MillraceError[] = []
  if (found.persistence !== 'p') {
    const what = found.persistence === 'u' ? 'an unlogged table' : 'a temporary table'
    problems.push(fault('SOURCE_TABLE_KIND', { table, what }))
  }
  if (found.key.length === 0) problems.push(fault('SOURCE_TABLE_NO_KEY', { table, quoted }))
  else if (found.replicaIdentity === 'index' || found.replicaIdentity === 'nothing') {
    const identity = found.replicaIdentity === 'index' ? 'USING INDEX' : 'NOTHING'
    problems.push(fault('SOURCE_REPLICA_IDENTITY', { table, identity, quoted }))
  }
  if (!found.selectable || !found.schemaUsable) {
    const role = quoteName(user)
    const usage = found.schemaUsable ? '' : `GRANT USAGE ON SCHEMA ${quoteName(found.schema)} TO ${role}; `
    const select = found.selectable ? '' : `GRANT SELECT ON ${quoted} TO ${role};`
    problems.push(fault('SOURCE_SELECT_PRIVILEGE', { user, table, grant: `${usage}${select}`.trim() }))
  }
  return problems
}

/** Changing a publication takes its ownership and that of its tables; one that is as it should be takes nothing. */
function publicationProblems(needs: SourceNeeds, found: SourceFindings, at: PostgresConnection): MillraceError[] {
  const statements = publicationStatements(needs, found.publication)
  const reasons: string[] = []
  if (statements.length === 0) return []
  if (found.publication && !found.publication.owned) reasons.push(`it belongs to ${found.publication.owner}`)
  const creates = statements.some(({ sql }) => sql.startsWith('CREATE'))
  if (creates && !found.server.mayCreatePublications) reasons.push(`it may not create objects in ${at.database}`)
  const foreign = [...found.tables.values()].filter((table) => !table.owned)
  for (const table of foreign) reasons.push(`${table.schema}.${table.table} belongs to ${table.owner}`)
  if (reasons.length === 0) return []
  const { user } = at
  const grant = statements.map(({ sql }) => `${sql};`).join(' ')
  return [
    fault('SOURCE_PUBLICATION_PRIVILEGE', { user, publication: needs.publication, reason: reasons.join(', '), grant }),
  ]
}
