import { lsnNumber } from '../../contract/lsn.ts'
import type { PublicationState, SlotState, SourceTableState } from '../../project/ports.ts'
import type { Session } from './connection.ts'
import { parseTable, type TableRef } from './names.ts'

/** The server, the role we are and what both may do. */
export interface ServerProbe {
  readonly version: string
  readonly walLevel: string
  readonly inRecovery: boolean
  readonly slotsMax: number
  readonly slotsUsed: number
  readonly sendersMax: number
  readonly sendersUsed: number
  /** Bytes; null: without bound. */
  readonly walKeepMax: number | null
  readonly walLsn: bigint | null
  readonly mayReplicate: boolean
  readonly mayCreatePublications: boolean
  readonly identity: { readonly systemIdentifier: string; readonly timeline: number } | null
}

export interface TableProbe extends SourceTableState {
  readonly kind: string
  readonly persistence: string
  readonly owner: string
  /** The role has the owner's privileges. */
  readonly owned: boolean
  readonly selectable: boolean
  readonly schemaUsable: boolean
}

export interface SlotProbe extends SlotState {
  readonly type: string
  readonly here: boolean
  readonly invalidation: string | null
}

export interface PublicationProbe extends PublicationState {
  readonly owned: boolean
  /** It has row filters, column lists or whole schemas: not what we would make. */
  readonly narrowed: boolean
}

export async function probeServer(session: Session): Promise<ServerProbe> {
  const { rows } = await session.query<Omit<ServerProbe, 'walLsn' | 'identity'> & { walLsn: string | null }>(
    serverQuery,
  )
  const { walLsn, ...server } = rows[0]!
  const identity = await session
    .query<{ systemIdentifier: string; timeline: number }>(
      `SELECT s.system_identifier::text AS "systemIdentifier", c.timeline_id AS timeline
FROM pg_control_system() s, pg_control_checkpoint() c`,
    )
    .then(
      (answer) => answer.rows[0] ?? null,
      () => null,
    )
  return { ...server, walLsn: walLsn === null ? null : lsnNumber(walLsn), identity }
}

export async function probeTables(session: Session, names: readonly string[]): Promise<Map<string, TableProbe>> {
  const refs = names.map(parseTable)
  const { rows } = await session.query<TableProbe>(tablesQuery, [
    refs.map(({ schema }) => schema),
    refs.map(({ table }) => table),
  ])
  return new Map(rows.map((row) => [`${row.schema}.${row.table}`, row]))
}

/** Names of tables that could have been meant, for the hint at a missing one. */
export async function tableNames(session: Session): Promise<TableRef[]> {
  const { rows } = await session.query<{ schema: string; table: string }>(
    `SELECT n.nspname AS schema, c.relname AS "table" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
ORDER BY 1, 2 LIMIT 5000`,
  )
  return rows
}

export async function probeSlot(session: Session, name: string): Promise<SlotProbe | null> {
  type Row = Omit<SlotProbe, 'restartLsn' | 'confirmedFlushLsn' | 'keptBytes'> & {
    readonly restartLsn: string | null
    readonly confirmedFlushLsn: string | null
    readonly keptBytes: string | null
  }
  const { rows } = await session.query<Row>(slotQuery, [name])
  const row = rows[0]
  if (row === undefined) return null
  const { restartLsn, confirmedFlushLsn, keptBytes } = row
  return {
    ...row,
    restartLsn: restartLsn === null ? null : lsnNumber(restartLsn),
    confirmedFlushLsn: confirmedFlushLsn === null ? null : lsnNumber(confirmedFlushLsn),
    keptBytes: keptBytes === null ? null : BigInt(keptBytes),
  }
}

export async function probePublication(session: Session, name: string): Promise<PublicationProbe | null> {
  const { rows } = await session.query<PublicationProbe>(publicationQuery, [name])
  return rows[0] ?? null
}

const serverQuery = `SELECT current_setting('server_version') AS version,
  current_setting('wal_level') AS "walLevel",
  pg_is_in_recovery() AS "inRecovery",
  current_setting('max_replication_slots')::int AS "slotsMax",
  (SELECT count(*)::int FROM pg_replication_slots) AS "slotsUsed",
  current_setting('max_wal_senders')::int AS "sendersMax",
  (SELECT count(*)::int FROM pg_stat_replication) AS "sendersUsed",
  (SELECT CASE WHEN setting::bigint < 0 THEN NULL ELSE setting::float8 * 1048576 END FROM pg_settings
    WHERE name = 'max_slot_wal_keep_size') AS "walKeepMax",
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS "walLsn",
  r.rolsuper OR r.rolreplication OR EXISTS (
    SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'MEMBER')
  ) AS "mayReplicate",
  has_database_privilege(current_database(), 'CREATE') AS "mayCreatePublications"
FROM pg_roles r WHERE r.rolname = current_user`

const tablesQuery = `SELECT a.schema, a.name AS "table", c.relkind::text AS kind, c.relpersistence::text AS persistence,
  c.relkind = 'p' AS partitioned,
  CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::float8 END AS "rowsEstimated",
  pg_get_userbyid(c.relowner) AS owner,
  pg_has_role(c.relowner, 'USAGE') AS owned,
  has_table_privilege(c.oid, 'SELECT') AS selectable,
  has_schema_privilege(n.oid, 'USAGE') AS "schemaUsable",
  CASE WHEN c.relreplident = 'f' THEN 'full' WHEN c.relreplident = 'n' THEN 'nothing'
    WHEN c.relreplident = 'i' AND NOT EXISTS (
      SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisprimary
    ) THEN 'index' ELSE 'default' END AS "replicaIdentity",
  coalesce((
    SELECT json_agg(k.attname ORDER BY p.at) FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS p(attnum, at)
    JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = p.attnum
    WHERE i.indrelid = c.oid AND i.indisprimary AND p.at <= i.indnkeyatts
  ), '[]') AS key
FROM unnest($1::text[], $2::text[]) AS a(schema, name)
JOIN pg_namespace n ON n.nspname = a.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.name`

const slotQuery = `SELECT slot_name AS name, slot_type AS type, database, plugin, active, wal_status AS "walStatus",
  database = current_database() AS here, restart_lsn::text AS "restartLsn",
  confirmed_flush_lsn::text AS "confirmedFlushLsn",
  to_jsonb(s)->>'invalidation_reason' AS invalidation,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
    restart_lsn)::int8::text AS "keptBytes"
FROM pg_replication_slots s WHERE slot_name = $1`

const publicationQuery = `SELECT p.pubname AS name, pg_get_userbyid(p.pubowner) AS owner, pg_has_role(p.pubowner, 'USAGE') AS owned,
  p.puballtables AS "allTables", p.pubviaroot AS "viaPartitionRoot",
  array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL) AS actions,
  coalesce((
    SELECT json_agg(n.nspname || '.' || c.relname ORDER BY n.nspname, c.relname)
    FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.prpubid = p.oid
  ), '[]') AS tables,
  EXISTS (
    SELECT FROM pg_publication_rel r
    WHERE r.prpubid = p.oid AND (to_jsonb(r)->>'prqual' IS NOT NULL OR to_jsonb(r)->>'prattrs' IS NOT NULL)
  ) OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid) AS narrowed
FROM pg_publication p WHERE p.pubname = $1`
