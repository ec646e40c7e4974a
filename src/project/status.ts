import { lsnText } from '../contract/lsn.ts'
import { fault } from '../errors.ts'
import { locate } from './address.ts'
import { type ConnectorStatus, connectorStatus } from './connector-status.ts'
import { attempt, observePlatform } from './observe-platform.ts'
import type { Platform } from './platform.ts'
import type { SourceReport } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import type { Project } from './project.ts'
import { sourceNames } from './source-names.ts'
import { readPosition, type SyncStatus, syncStatus, type WorkerSync } from './sync-status.ts'

/** Is it working, and how far is it behind. */
export interface ProjectStatus {
  /** False when anything declared does not make progress, or could not be asked. */
  readonly healthy: boolean
  readonly connectors: readonly ConnectorStatus[]
  readonly syncs: readonly SyncStatus[]
  /** What could not be asked, or is unfit. */
  readonly problems: readonly Problem[]
}

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
  // A file that cannot be read declares nothing that could be looked at; that is not well.
  const problems: Problem[] = [...project.problems]
  const seen = await observePlatform(project, platform, problems)
  const reports = new Map<string, SourceReport | undefined>()
  await Promise.all(
    project.sources.map(async (source) => {
      reports.set(source.name, await inspect(source, platform, problems))
    }),
  )
  const connectors = await Promise.all(
    [...project.sources, ...project.connectors].map(async ({ name }) => {
      const state = seen.connectors === undefined ? undefined : (seen.connectors.get(name) ?? null)
      const asks = reports.has(name) && state != null
      const snapshot = asks
        ? await attempt(problems, { field: name }, () => platform.connect.snapshotting(name))
        : false
      return connectorStatus(name, state, reports.get(name), snapshot === true || snapshot === null)
    }),
  )
  const syncs = await Promise.all(
    project.syncs.map(async (sync) => {
      const source: string = Object.values(sync.declaration.from)[0]!.contract.source
      const stored = await readPosition(sync, platform, problems)
      const [applied, walLsn] = [stored?.position?.appliedLsn ?? null, reports.get(source)?.walLsn]
      if (applied !== null && walLsn !== undefined && walLsn < applied) {
        const facts = { source, sync: sync.name, lsn: lsnText(walLsn), applied: lsnText(applied) }
        problems.push(problem(fault('SOURCE_BEHIND', facts), { file: sync.file }))
      }
      // A Kafka that does not answer has been reported already.
      const range = seen.topics && (await attempt(problems, {}, () => platform.topics.range(sourceNames(source).log)))
      return syncStatus({
        name: sync.name,
        source,
        stored,
        logNext: range?.next,
        walLsn: reports.get(source)?.walLsn,
        workers: workers.filter((worker) => worker.sync === sync.name),
        nowMs,
      })
    }),
  )
  const sound = problems.every(({ severity }) => severity !== 'error')
  return { healthy: sound && [...connectors, ...syncs].every(({ healthy }) => healthy), connectors, syncs, problems }
}

async function inspect(
  { name, file, declaration }: Project['sources'][number],
  platform: Platform,
  problems: Problem[],
): Promise<SourceReport | undefined> {
  const at = locate(declaration, platform.database)
  if (at === undefined) return undefined
  const { slot, publication } = sourceNames(name, declaration)
  const report = await attempt(problems, { file }, async () => {
    const database = platform.source(at)
    try {
      return await database.inspect({ source: name, tables: declaration.tables, slot, publication })
    } finally {
      await database.close()
    }
  })
  for (const error of report?.problems ?? []) problems.push(problem(error, { file }))
  for (const error of report?.warnings ?? []) problems.push(problem(error, { file }, 'warning'))
  return report
}
