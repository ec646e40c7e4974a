import type { PostgresLocation } from './address.ts'
import { attempt, isOurs, type Observed } from './observe-platform.ts'
import type { Difference, PlanStep } from './plan-model.ts'
import type { Platform } from './platform.ts'
import type { ConnectorState, SourceReport } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import type { Project } from './project.ts'
import { debeziumPostgresClass, marked } from './source-connector.ts'
import { sourceNames } from './source-names.ts'

/** Takes away the connectors of this project that nothing declares any more, and of a source all that belongs to it. */
export async function planRemovals(
  project: Project,
  platform: Platform,
  seen: Observed,
  problems: Problem[],
): Promise<readonly PlanStep[]> {
  const declared = new Set([...project.sources, ...project.connectors].map(({ name }) => name))
  const orphans = [...(seen.connectors?.values() ?? [])].filter(
    (connector) => isOurs(connector, project) && !declared.has(connector.name),
  )
  return Promise.all(orphans.map((orphan) => planRemoval(orphan, platform, problems)))
}

/** The step that removes one connector and, when it captures a source, its slot, publication, log and signals. */
export async function planRemoval(
  connector: ConnectorState,
  platform: Platform,
  problems: Problem[],
): Promise<PlanStep> {
  const { name } = connector
  const common = { action: 'delete', name, file: null, why: 'nothing declares it any more' } as const
  if (connector.config['connector.class'] !== debeziumPostgresClass || connector.config[marked.secret] === undefined) {
    return {
      ...common,
      kind: 'connector',
      differences: [{ field: 'connector', from: name, to: null }],
      sql: [],
      destructive: false,
      operation: { do: 'removeConnector', connector: name },
    }
  }
  const names = sourceNames(name)
  const at = locationOf(connector)
  const report = await inspectOrphan(connector, at, platform, problems)
  const topics = await topicDifferences([names.log, names.signals], platform, problems)
  const differences: readonly Difference[] = [
    { field: 'connector', from: name, to: null },
    ...(report === undefined ? [leftBehind(connector)] : []),
    ...(report?.slot ? [{ field: 'slot', from: report.slot.name, to: null }] : []),
    ...(report?.publication ? [{ field: 'publication', from: report.publication.name, to: null }] : []),
    ...topics,
  ]
  return {
    ...common,
    kind: 'source',
    differences,
    sql: report?.removal ?? [],
    destructive: true,
    operation: {
      do: 'removeSource',
      connector: name,
      at: report === undefined ? null : at,
      statements: report?.removal ?? [],
      topics: [names.log, names.signals],
    },
  }
}

/** Nothing takes the slot away where the source cannot be asked, and after the removal nothing of ours knows of it. */
function leftBehind({ config }: ConnectorState): Difference {
  const slot = config['slot.name']
  const from = `slot ${slot}, if the source is still there, keeps its WAL: SELECT pg_drop_replication_slot('${slot}') there`
  return { field: 'left behind', from, to: null }
}

/** A source that is gone, or that refuses us, takes its slot along or keeps it: its connector can be removed all the same. */
async function inspectOrphan(
  { name, config }: ConnectorState,
  at: PostgresLocation,
  platform: Platform,
  problems: Problem[],
): Promise<SourceReport | undefined> {
  const warnings: Problem[] = []
  const report = await attempt(warnings, {}, async () => {
    const database = platform.source(at)
    try {
      const slot = config['slot.name']!
      return await database.inspect({ source: name, tables: [], slot, publication: config['publication.name']! })
    } finally {
      await database.close()
    }
  })
  problems.push(...warnings.map((warning): Problem => ({ ...warning, severity: 'warning' })))
  if (report?.identity !== undefined) return report
  problems.push(...(report?.problems ?? []).map((error) => problem(error, { field: name }, 'warning')))
  return undefined
}

async function topicDifferences(
  names: readonly string[],
  platform: Platform,
  problems: Problem[],
): Promise<readonly Difference[]> {
  const differences = await attempt(problems, {}, async () => {
    const found: Difference[] = []
    for (const name of names) {
      const range = await platform.topics.range(name)
      if (range === null) continue
      found.push({ field: 'topic', from: `${name} (offsets ${range.first} to ${range.next})`, to: null })
    }
    return found
  })
  return differences ?? []
}

function locationOf({ config }: ConnectorState): PostgresLocation {
  const sslmode = config['database.sslmode']
  return {
    host: config['database.hostname']!,
    port: Number(config['database.port']),
    database: config['database.dbname']!,
    user: config['database.user']!,
    secret: config[marked.secret]!,
    ...(sslmode === undefined ? {} : { sslmode }),
  }
}
