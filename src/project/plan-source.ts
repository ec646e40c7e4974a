import type { PostgresSource } from '../declare/postgres-source.ts'
import { fault } from '../errors.ts'
import { locate, type PostgresLocation } from './address.ts'
import { attempt, isOurs, type Observed } from './observe-platform.ts'
import { planConnector, withFingerprint } from './plan-connector.ts'
import type { PlanStep } from './plan-model.ts'
import { planTopics, sourceTopics } from './plan-topic.ts'
import type { Platform } from './platform.ts'
import type { ConnectorConfig, SourceReport } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, Project } from './project.ts'
import { renderSourceConnector } from './source-connector.ts'
import { sourceNames } from './source-names.ts'
import { validateConnector } from './validate-connector.ts'

export interface SourcePlan {
  readonly name: string
  readonly topics: readonly PlanStep[]
  readonly publication: readonly PlanStep[]
  readonly connector: readonly PlanStep[]
  /** Estimated rows by `schema.table`; undefined when the source could not be asked. */
  readonly rows: ReadonlyMap<string, number | null> | undefined
}

/** What makes one source's capture as declared. */
export async function planSource(
  source: Declared<PostgresSource>,
  project: Project,
  platform: Platform,
  seen: Observed,
  problems: Problem[],
): Promise<SourcePlan> {
  const { name, file, declaration } = source
  const nothing = { name, topics: [], publication: [], connector: [], rows: undefined }
  const at = locate(declaration, platform.database)
  if (at === undefined) {
    const known = Object.keys(project.config.databases ?? {}).join(', ')
    const facts = { file, field: 'database', name: declaration.database ?? '', known }
    problems.push(problem(fault('DATABASE_UNKNOWN', facts), { file, field: 'database' }))
    return nothing
  }
  const report = await inspectSource(source, at, platform, problems)
  const present = seen.connectors?.get(name)
  if (present !== undefined && !isOurs(present, project)) {
    problems.push(problem(takenBy(name, file, present.config), { file }))
    return nothing
  }
  const topics =
    seen.topics === undefined
      ? []
      : planTopics(file, sourceTopics(name, declaration), seen.topics, present?.config, problems)
  const config = renderConfig(source, at, project, platform, problems)
  const step =
    config === undefined || seen.connectors === undefined
      ? undefined
      : planConnector({ name, file, secrets: [at.secret] }, config, present)
  if (config !== undefined && step !== undefined && step.action !== 'restart') {
    const unfit = (report?.problems.length ?? 1) > 0
    await validateConnector({ name, file, config, databaseIsKnownUnfit: unfit }, platform, seen, problems)
  }
  return {
    name,
    topics,
    publication: report === undefined ? [] : publicationStep(source, at, report, present?.config, config),
    connector: step === undefined ? [] : [step],
    rows: report && new Map(report.tables.map((table) => [`${table.schema}.${table.table}`, table.rowsEstimated])),
  }
}

async function inspectSource(
  { name, file, declaration }: Declared<PostgresSource>,
  at: PostgresLocation,
  platform: Platform,
  problems: Problem[],
): Promise<SourceReport | undefined> {
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

function publicationStep(
  { name, file, declaration }: Declared<PostgresSource>,
  at: PostgresLocation,
  report: SourceReport,
  applied: ConnectorConfig | undefined,
  wanted: ConnectorConfig | undefined,
): readonly PlanStep[] {
  if (report.statements.length === 0) return []
  const common = {
    kind: 'publication',
    name: sourceNames(name, declaration).publication,
    file,
    differences: [],
    sql: report.statements,
    destructive: false,
    operation: { do: 'runOnSource', at, statements: report.statements },
  } as const
  if (report.publication === null && applied === undefined) {
    return [{ ...common, action: 'create', why: 'declared, not there' }]
  }
  const declared = applied?.['table.include.list'] !== wanted?.['table.include.list']
  return declared
    ? [{ ...common, action: report.publication === null ? 'create' : 'change', why: 'the declaration changed' }]
    : [{ ...common, action: 'drift', why: report.publication === null ? 'somebody dropped it' : 'somebody changed it' }]
}

function renderConfig(
  { name, file, declaration }: Declared<PostgresSource>,
  at: PostgresLocation,
  project: Project,
  platform: Platform,
  problems: Problem[],
): ConnectorConfig | undefined {
  if (platform.secretReference === null) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect's own spelling
    const facts = { url: platform.connectUrl, secret: at.secret, example: '${vault:millrace:NAME}' }
    problems.push(problem(fault('CONNECT_SECRETS', facts), { file, field: 'password' }))
    return undefined
  }
  return withFingerprint(
    renderSourceConnector(declaration, {
      name,
      project: project.name,
      database: at,
      brokers: platform.brokers,
      registryUrl: platform.registryUrl,
      secretReference: platform.secretReference,
      placeholder: project.placeholders.get(name)!,
    }),
  )
}

/** The error for a connector of that name that is not the project's. */
export function takenBy(connector: string, file: string, config: ConnectorConfig): ReturnType<typeof fault> {
  const project = config['millrace.project']
  const owner = project === undefined ? 'nobody millrace knows' : `the project ${project}`
  return fault('CONNECTOR_TAKEN', { connector, file, owner })
}
