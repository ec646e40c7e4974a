import type { AnySync } from '../declare/sync.ts'
import type { SyncState } from '../engine/state.ts'
import type { ErrorReport } from '../errors.ts'
import { locate, type PostgresLocation } from './address.ts'
import { attempt, observePlatform } from './observe-platform.ts'
import { troubleOf } from './plan-connector.ts'
import type { Platform } from './platform.ts'
import type { SourceReport, StoredPosition } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, Project } from './project.ts'
import { sourceNames } from './source-names.ts'

/** What a worker says of one sync it has, over its own HTTP interface. */
export interface WorkerSync {
  readonly sync: string
  readonly state: SyncState
  readonly changesPerSecond: number | null
  readonly transactionsPerSecond: number | null
  readonly error: ErrorReport | null
}

/** Is it working, and how far is it behind. */
export interface ProjectStatus {
  /** False when anything declared does not make progress. */
  readonly healthy: boolean
  readonly connectors: readonly ConnectorStatus[]
  readonly syncs: readonly SyncStatus[]
  /** What could not be asked. */
  readonly problems: readonly Problem[]
}

export interface ConnectorStatus {
  readonly name: string
  readonly healthy: boolean
  /** `snapshotting`, Connect's own word in lower case, `missing`, or `unknown` when Connect does not answer. */
  readonly state: string
  readonly error: string | null
  /** WAL the source wrote that is not in the log yet, in bytes. Null for other connectors, or when the source does not answer. */
  readonly lagBytes: number | null
  /** WAL the slot makes the source keep, in bytes. */
  readonly keptBytes: number | null
}

export interface SyncStatus {
  readonly name: string
  readonly source: string
  readonly healthy: boolean
  /** A worker's word, or, when none answers, what the stored position tells. */
  readonly state: SyncState | 'not running' | 'unknown'
  /** As Postgres writes it, `0/1A2B3C`; null while rows are being loaded. */
  readonly appliedLsn: string | null
  /** How far behind the source it is; 0 when everything in the log is applied. */
  readonly lagSeconds: number | null
  readonly lagBytes: number | null
  readonly lagRecords: number | null
  readonly changesPerSecond: number | null
  readonly transactionsPerSecond: number | null
  readonly error: ErrorReport | null
}

/** A position that did not move for this long, with more to apply, is no progress. */
const stalledMs = 60_000

/**
 * The state of everything declared. `workers` are the syncs that running workers report; a sync may be there several times, once as
 * owner and elsewhere on standby. `nowMs` is the time, milliseconds since 1970.
 */
export async function projectStatus(
  project: Project,
  platform: Platform,
  workers: readonly WorkerSync[],
  nowMs: number,
): Promise<ProjectStatus> {
  const problems: Problem[] = []
  const seen = await observePlatform(project, platform, problems)
  const reports = new Map(
    await Promise.all(
      project.sources.map(async ({ name, file, declaration }): Promise<[string, SourceReport | undefined]> => {
        const at = locate(declaration, platform.database)
        const { slot, publication } = sourceNames(name, declaration)
        const needs = { source: name, tables: declaration.tables, slot, publication }
        const report =
          at && (await attempt(problems, { file }, () => using(platform.source(at), (it) => it.inspect(needs))))
        for (const error of report?.problems ?? []) problems.push(problem(error, { file }))
        return [name, report]
      }),
    ),
  )
  const connectors = await Promise.all(
    [...project.sources, ...project.connectors].map(async ({ name }): Promise<ConnectorStatus> => {
      const report = reports.get(name)
      const state = seen.connectors?.get(name)
      const trouble = state === undefined ? undefined : troubleOf(state)
      const running = state?.state === 'RUNNING' && state.tasks.length > 0 && trouble === undefined
      const snapshotting =
        running && reports.has(name)
          ? await attempt(problems, { field: name }, () => platform.connect.snapshotting(name))
          : false
      const missing = seen.connectors === undefined ? 'unknown' : 'missing'
      const slotLsn = report?.slot?.confirmedFlushLsn ?? null
      return {
        name,
        healthy: running,
        state:
          snapshotting === true
            ? 'snapshotting'
            : trouble === undefined
              ? (state?.state.toLowerCase() ?? missing)
              : 'failed',
        error: trouble ?? null,
        lagBytes: report?.walLsn === undefined || slotLsn === null ? null : bytesBehind(report.walLsn, slotLsn),
        keptBytes: report?.slot?.keptBytes == null ? null : Number(report.slot.keptBytes),
      }
    }),
  )
  const syncs = await Promise.all(
    project.syncs.map(async (sync) => {
      const source = Object.values(sync.declaration.from)[0]!.contract.source as string
      const stored = await readPosition(sync, platform, problems)
      const range = await attempt(problems, {}, () => platform.topics.range(sourceNames(source).log))
      const said = workers.filter((worker) => worker.sync === sync.name)
      return syncStatus(sync.name, source, stored, range?.next, reports.get(source)?.walLsn, said, nowMs)
    }),
  )
  return {
    healthy:
      problems.every(({ severity }) => severity !== 'error') &&
      [...connectors, ...syncs].every(({ healthy }) => healthy),
    connectors,
    syncs,
    problems,
  }
}

function syncStatus(
  name: string,
  source: string,
  stored: StoredPosition | null | undefined,
  logNext: bigint | undefined,
  walLsn: bigint | undefined,
  said: readonly WorkerSync[],
  nowMs: number,
): SyncStatus {
  const worker = said.find(({ state }) => state !== 'standby') ?? said[0]
  const position = stored?.position ?? null
  const lagRecords = position === null || logNext === undefined ? null : Number(max(logNext - position.nextOffset, 0n))
  const moving = stored != null && nowMs - stored.updatedMs < stalledMs
  const state = worker?.state ?? (stored === undefined ? 'unknown' : 'not running')
  const working = state !== 'stopped' && state !== 'failed' && state !== 'unknown' && state !== 'not running'
  const commitTimeMs = position?.commitTimeMs ?? null
  return {
    name,
    source,
    // Progress: nothing left to apply, or the position moved lately.
    healthy: working && (state === 'live' || lagRecords === 0 || moving),
    state,
    appliedLsn: position?.appliedLsn == null ? null : formatLsn(position.appliedLsn),
    lagSeconds:
      state === 'live' || lagRecords === 0
        ? 0
        : commitTimeMs === null
          ? null
          : Math.max(0, (nowMs - commitTimeMs) / 1000),
    lagBytes: position?.appliedLsn == null || walLsn === undefined ? null : bytesBehind(walLsn, position.appliedLsn),
    lagRecords,
    changesPerSecond: worker?.changesPerSecond ?? null,
    transactionsPerSecond: worker?.transactionsPerSecond ?? null,
    error: worker?.error ?? null,
  }
}

/** Null when nothing is stored; undefined when the sink could not be asked. */
async function readPosition(
  { name, file, declaration }: Declared<AnySync>,
  platform: Platform,
  problems: Problem[],
): Promise<StoredPosition | null | undefined> {
  const at: PostgresLocation | undefined = locate(declaration.to, platform.database)
  if (at === undefined) return undefined
  const positions = await attempt(problems, { file }, () => using(platform.sink(at), (sink) => sink.positions()))
  return positions === undefined ? undefined : (positions.find(({ sync }) => sync === name) ?? null)
}

async function using<Database extends { close(): Promise<void> }, Answer>(
  database: Database,
  question: (database: Database) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await question(database)
  } finally {
    await database.close()
  }
}

function bytesBehind(ahead: bigint, behind: bigint): number {
  return Number(max(ahead - behind, 0n))
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right
}

/** An LSN as Postgres writes it. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase()
}
