import { lsnNumber, lsnText } from '../../contract/lsn.ts'
import type { LoadState, Position } from '../../engine/ports.ts'
import type { StoredPosition } from '../../project/ports.ts'

/** Where a sink database keeps what was applied to it: one row per sync. */
export const positionsSql = {
  schema: 'CREATE SCHEMA IF NOT EXISTS millrace',
  table: `CREATE TABLE IF NOT EXISTS millrace.positions (
  sync text PRIMARY KEY,
  source text NOT NULL,
  epoch bigint NOT NULL,
  next_offset bigint,
  applied_lsn pg_lsn,
  committed_at timestamptz,
  system_identifier text,
  timeline bigint,
  load jsonb,
  mappings jsonb NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50)`,
} as const

const columns = `p.epoch::text AS epoch, p.source, p.next_offset::text AS "nextOffset", p.applied_lsn::text AS "appliedLsn",
  (extract(epoch FROM p.committed_at) * 1000)::float8 AS "commitTimeMs", p.system_identifier AS "systemIdentifier",
  p.timeline::float8 AS timeline, p.load, p.mappings, (extract(epoch FROM p.updated_at) * 1000)::float8 AS "updatedMs"`

/** Raises the epoch. A position left for another source is no position: its offsets mean another log. */
export const takeOverSql = `INSERT INTO millrace.positions AS p (sync, source, epoch) VALUES ($1, $2, 1)
ON CONFLICT (sync) DO UPDATE SET epoch = p.epoch + 1, source = excluded.source, updated_at = now(),
  next_offset = CASE WHEN p.source = excluded.source THEN p.next_offset END,
  applied_lsn = CASE WHEN p.source = excluded.source THEN p.applied_lsn END,
  committed_at = CASE WHEN p.source = excluded.source THEN p.committed_at END,
  system_identifier = CASE WHEN p.source = excluded.source THEN p.system_identifier END,
  timeline = CASE WHEN p.source = excluded.source THEN p.timeline END,
  load = CASE WHEN p.source = excluded.source THEN p.load END,
  mappings = CASE WHEN p.source = excluded.source THEN p.mappings ELSE '{}' END
RETURNING ${columns}`

/** Locks the row for this owner; no row: fenced. */
export const lockSql = 'SELECT FROM millrace.positions WHERE sync = $1 AND epoch = $2::bigint FOR UPDATE'

export const readSql = `SELECT ${columns} FROM millrace.positions p WHERE sync = $1`

export const readAllSql = `SELECT p.sync, ${columns} FROM millrace.positions p ORDER BY sync`

export const storeSql = `UPDATE millrace.positions SET next_offset = $3::bigint, applied_lsn = $4::pg_lsn,
  committed_at = to_timestamp($5::float8 / 1000), system_identifier = $6, timeline = $7::bigint, load = $8::jsonb,
  mappings = $9::jsonb, updated_at = clock_timestamp()
WHERE sync = $1 AND epoch = $2::bigint`

/**
 * Sessions of this sync that hold the positions table: an owner that stopped in the middle of a transaction. `$1` is the application
 * name of the sync's sessions.
 */
export const endOthersSql = `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name = $1 AND a.pid <> pg_backend_pid()
  AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'millrace.positions'::regclass AND l.granted)`

export interface PositionRow {
  readonly epoch: string
  readonly source: string
  readonly nextOffset: string | null
  readonly appliedLsn: string | null
  readonly commitTimeMs: number | null
  readonly systemIdentifier: string | null
  readonly timeline: number | null
  readonly load: (Omit<LoadState, 'untilLsn'> & { readonly untilLsn: string | null }) | null
  readonly mappings: Record<string, string>
  readonly updatedMs: number
}

export function positionOf(row: PositionRow): Position | null {
  if (row.nextOffset === null) return null
  return {
    nextOffset: BigInt(row.nextOffset),
    appliedLsn: row.appliedLsn === null ? null : lsnNumber(row.appliedLsn),
    commitTimeMs: row.commitTimeMs,
    identity:
      row.systemIdentifier === null ? null : { systemIdentifier: row.systemIdentifier, timeline: row.timeline ?? 0 },
    load: row.load && { ...row.load, untilLsn: row.load.untilLsn === null ? null : BigInt(row.load.untilLsn) },
    mappings: row.mappings,
  }
}

/** The epoch goes on, and by that fences; everything else begins anew. */
export const forgetSql = `
UPDATE millrace.positions SET epoch = epoch + 1, next_offset = NULL, applied_lsn = NULL, committed_at = NULL,
  system_identifier = NULL, timeline = NULL, load = NULL, mappings = '{}', updated_at = now()
WHERE sync = $1`

export function storedPosition(row: PositionRow & { readonly sync: string }): StoredPosition {
  return {
    sync: row.sync,
    source: row.source,
    epoch: BigInt(row.epoch),
    position: positionOf(row),
    updatedMs: row.updatedMs,
  }
}

/** The parameters of `storeSql`. */
export function storeParameters(sync: string, epoch: bigint, position: Position): readonly unknown[] {
  const { nextOffset, appliedLsn, commitTimeMs, identity, load, mappings } = position
  return [
    sync,
    String(epoch),
    String(nextOffset),
    appliedLsn === null ? null : lsnText(appliedLsn),
    commitTimeMs,
    identity?.systemIdentifier ?? null,
    identity?.timeline ?? null,
    load && JSON.stringify({ ...load, untilLsn: load.untilLsn === null ? null : String(load.untilLsn) }),
    JSON.stringify(mappings),
  ]
}
