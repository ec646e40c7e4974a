import { tableName } from '../contract/table.ts'
import type { AnySync } from '../declare/sync.ts'
import { mappingHashes, mapSync, type SyncMapping } from '../engine/mapping.ts'
import type { Position } from '../engine/ports.ts'
import { fault } from '../errors.ts'
import { locate, type PostgresLocation } from './address.ts'
import { attempt, isOurs, type Observed } from './observe-platform.ts'
import type { PlannedLoad, PlanStep } from './plan-model.ts'
import type { Platform } from './platform.ts'
import type { SinkReport, StoredPosition } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, Project } from './project.ts'

export interface SyncPlan {
  readonly steps: readonly PlanStep[]
  readonly load: readonly PlannedLoad[]
}

/** Estimated rows of each source's tables, by source and then `schema.table`. */
type Estimates = ReadonlyMap<string, ReadonlyMap<string, number | null>>

/** What makes one sync's targets as declared, and which load its worker has before it. */
export async function planSync(
  sync: Declared<AnySync>,
  estimates: Estimates,
  platform: Platform,
  problems: Problem[],
): Promise<SyncPlan> {
  const { name, file, declaration } = sync
  const at = locate(declaration.to, platform.database)
  const field = 'to.database'
  if (at === undefined) {
    const facts = { file, field, name: declaration.to.database ?? '', known: 'its address is not known yet' }
    problems.push(problem(fault('DATABASE_UNKNOWN', facts), { file, field }))
    return { steps: [], load: [] }
  }
  const mapping = mapSync(name, declaration)
  const seen = await attempt(problems, { file }, async () => {
    const database = platform.sink(at)
    try {
      const report = await database.inspect({ sync: name, targets: mapping.tables.map(({ target }) => target) })
      // A sink that could not be asked has said so in its report; its positions would only say it again.
      return { report, positions: report.problems.length > 0 ? undefined : await database.positions() }
    } finally {
      await database.close()
    }
  })
  for (const error of seen?.report.problems ?? []) problems.push(problem(error, { file }))
  for (const error of seen?.report.warnings ?? []) problems.push(problem(error, { file }, 'warning'))
  if (seen?.positions === undefined) return { steps: [], load: [] }
  const stored = seen.positions.find((position) => position.sync === name)
  const load = planLoad(sync, mapping, stored?.position ?? null, estimates)
  return { steps: targetsStep(sync, at, seen.report), load: load === undefined ? [] : [load] }
}

function targetsStep({ name, file }: Declared<AnySync>, at: PostgresLocation, report: SinkReport): readonly PlanStep[] {
  if (report.statements.length === 0) return []
  return [
    {
      action: report.present.length === 0 ? 'create' : 'change',
      kind: 'sink',
      name,
      file,
      why: report.present.length === 0 ? 'declared, not there' : 'the targets lack what is declared',
      differences: [],
      sql: report.statements,
      destructive: false,
      operation: { do: 'runOnSink', at, statements: report.statements },
    },
  ]
}

function planLoad(
  { name, file }: Declared<AnySync>,
  mapping: SyncMapping,
  position: Position | null,
  estimates: Estimates,
): PlannedLoad | undefined {
  const rows = estimates.get(mapping.source)
  const tables = mapping.tables.map(({ source }) => ({
    table: tableName(source),
    rowsEstimated: rows?.get(tableName(source)) ?? null,
  }))
  const load = (state: PlannedLoad['state'], why: string): PlannedLoad => ({ sync: name, file, state, why, tables })
  if (position === null) return load('waiting', 'it never ran')
  const wanted = Object.entries(mappingHashes(mapping))
  const added = wanted.filter(([target]) => !(target in position.mappings)).map(([target]) => target)
  const changed = wanted
    .filter(([target, hash]) => target in position.mappings && position.mappings[target] !== hash)
    .map(([target]) => target)
  if (changed.length > 0) return load('waiting', `the mapping of ${changed.join(', ')} changed`)
  if (added.length > 0) return load('waiting', `${added.join(', ')} is new`)
  if (position.load !== null) return load('running', `${position.load.phase}, round ${position.load.round}`)
  return position.appliedLsn === null ? load('running', 'no state of the source is reached yet') : undefined
}

/**
 * Forgets the positions of syncs that nothing declares any more, in the databases that other syncs of the project write; their
 * target tables and rows stay. A sync is ours when its source is.
 */
export async function planForgotten(
  project: Project,
  platform: Platform,
  seen: Observed,
): Promise<readonly PlanStep[]> {
  const declared = new Set(project.syncs.map(({ name }) => name))
  const sources = new Set([
    ...project.sources.map(({ name }) => name),
    ...[...(seen.connectors?.values() ?? [])].filter((one) => isOurs(one, project)).map(({ name }) => name),
  ])
  const places = new Map<string, PostgresLocation>()
  for (const { declaration } of project.syncs) {
    const at = locate(declaration.to, platform.database)
    if (at !== undefined) places.set(`${at.host}:${at.port}/${at.database}`, at)
  }
  const steps: PlanStep[] = []
  for (const at of places.values()) {
    const isForgotten = ({ sync, source }: StoredPosition): boolean => !declared.has(sync) && sources.has(source)
    // What keeps this database from answering is said by the syncs that are declared there.
    const found = await attempt([], {}, () => forgottenIn(at, platform, isForgotten))
    steps.push(...(found ?? []))
  }
  return steps
}

async function forgottenIn(
  at: PostgresLocation,
  platform: Platform,
  isForgotten: (position: StoredPosition) => boolean,
): Promise<readonly PlanStep[]> {
  const database = platform.sink(at)
  try {
    const steps: PlanStep[] = []
    for (const { sync } of (await database.positions()).filter(isForgotten)) {
      const { removal } = await database.inspect({ sync, targets: [] })
      if (removal.length === 0) continue
      steps.push({
        action: 'delete',
        kind: 'position',
        name: sync,
        file: null,
        why: 'nothing declares it any more; its target tables and their rows stay',
        differences: [],
        sql: removal,
        destructive: false,
        operation: { do: 'runOnSink', at, statements: removal },
      })
    }
    return steps
  } finally {
    await database.close()
  }
}
