import { lsnText } from '../contract/lsn.ts'
import type { AnySync } from '../declare/sync.ts'
import type { SyncState } from '../engine/state.ts'
import type { ErrorReport } from '../errors.ts'
import { locate } from './address.ts'
import { attempt } from './observe-platform.ts'
import type { Platform } from './platform.ts'
import type { StoredPosition } from './ports.ts'
import type { Problem } from './problem.ts'
import type { Declared } from './project.ts'

/** What a worker says of one sync it has, over its own HTTP interface. */
export interface WorkerSync {
  readonly sync: string
  readonly state: SyncState
  readonly changesPerSecond: number | null
  readonly transactionsPerSecond: number | null
  readonly error: ErrorReport | null
}

export interface SyncStatus {
  readonly name: string
  readonly source: string
  /** True when it makes progress: nothing is left to apply, or the position moved lately. */
  readonly healthy: boolean
  /** A worker's word; `not running` when none has it, `unknown` when the sink does not answer either. */
  readonly state: SyncState | 'not running' | 'unknown'
  /** As Postgres writes it, `0/1A2B3C`; null while rows are being loaded. */
  readonly appliedLsn: string | null
  /** How far behind the source it is; 0 when everything in the log is applied. */
  readonly lagSeconds: number | null
  /** WAL the source wrote since the transaction applied last, in bytes. */
  readonly lagBytes: number | null
  /** Log records, marks and foreign tables included, that are not applied. */
  readonly lagRecords: number | null
  readonly changesPerSecond: number | null
  readonly transactionsPerSecond: number | null
  readonly error: ErrorReport | null
}

export interface SyncObservation {
  readonly name: string
  readonly source: string
  /** Null when nothing is stored; undefined when the sink could not be asked. */
  readonly stored: StoredPosition | null | undefined
  /** The next offset of the log; undefined when not known. */
  readonly logNext: bigint | undefined
  readonly walLsn: bigint | undefined
  readonly workers: readonly WorkerSync[]
  readonly nowMs: number
}

/** A position that did not move for this long, with more to apply, is no progress. */
const stalledMs = 60_000
const halted: ReadonlySet<string> = new Set(['stopped', 'failed', 'not running', 'unknown'])

export function syncStatus(seen: SyncObservation): SyncStatus {
  const { name, source, stored, nowMs } = seen
  // The owner's word counts; those on standby only tell that somebody would take over.
  const worker = seen.workers.find(({ state }) => state !== 'standby') ?? seen.workers[0]
  const state = worker?.state ?? (stored === undefined ? 'unknown' : 'not running')
  const position = stored?.position ?? null
  const lagRecords = position && seen.logNext !== undefined ? atLeast0(seen.logNext - position.nextOffset) : null
  const drained = state === 'live' || lagRecords === 0
  const moving = stored != null && nowMs - stored.updatedMs < stalledMs
  const applied = position?.appliedLsn ?? null
  const commitTimeMs = position?.commitTimeMs ?? null
  return {
    name,
    source,
    healthy: !halted.has(state) && (drained || moving),
    state,
    appliedLsn: applied === null ? null : lsnText(applied),
    lagSeconds: drained ? 0 : commitTimeMs === null ? null : Math.max(0, (nowMs - commitTimeMs) / 1000),
    lagBytes: applied === null || seen.walLsn === undefined ? null : atLeast0(seen.walLsn - applied),
    lagRecords,
    changesPerSecond: worker?.changesPerSecond ?? null,
    transactionsPerSecond: worker?.transactionsPerSecond ?? null,
    error: worker?.error ?? null,
  }
}

/** The sync's stored position: null when nothing is stored; undefined when the sink could not be asked. */
export async function readPosition(
  { name, file, declaration }: Declared<AnySync>,
  platform: Platform,
  problems: Problem[],
): Promise<StoredPosition | null | undefined> {
  const at = locate(declaration.to, platform.database)
  if (at === undefined) return undefined
  const positions = await attempt(problems, { file }, async () => {
    const sink = platform.sink(at)
    try {
      return await sink.positions()
    } finally {
      await sink.close()
    }
  })
  return positions && (positions.find(({ sync }) => sync === name) ?? null)
}

function atLeast0(difference: bigint): number {
  return Math.max(0, Number(difference))
}
