import { fault, isMillraceError } from '../errors.ts'
import type { Platform } from './platform.ts'
import type { ConnectorState, ConnectPlugin, TopicState } from './ports.ts'
import { type Place, type Problem, problem } from './problem.ts'
import type { Project } from './project.ts'
import { avroConverterClass, debeziumPostgresClass, marked } from './source-connector.ts'
import { sourceNames } from './source-names.ts'

/** What all declarations look at, read once. Undefined where a system did not answer; then there is a problem that says so. */
export interface Observed {
  readonly topics: ReadonlyMap<string, TopicState> | undefined
  readonly connectors: ReadonlyMap<string, ConnectorState> | undefined
  readonly plugins: readonly ConnectPlugin[] | undefined
}

/** Debezium before this one loses rows when it restarts. */
const debeziumLeast = [3, 7] as const
const debeziumArchive = 'debezium-connector-postgres 3.7.0.Final'
const converterArchive = 'apicurio-registry-utils-converter 2.6.13.Final with its dependencies'

export async function observePlatform(project: Project, platform: Platform, problems: Problem[]): Promise<Observed> {
  const names = project.sources.flatMap(({ name, declaration }) => {
    const { log, signals } = sourceNames(name, declaration)
    return [log, signals]
  })
  const captures = project.sources.length > 0
  const [topics, connect, mode] = await Promise.all([
    captures ? attempt(problems, {}, () => platform.topics.describe(names)) : new Map<string, TopicState>(),
    // One after the other: when nobody answers, that is one problem.
    attempt(problems, {}, async () => ({
      plugins: await platform.connect.plugins(),
      connectors: await platform.connect.connectors(),
    })),
    captures ? attempt(problems, {}, () => platform.registry.compatibility()) : undefined,
  ])
  if (mode !== undefined && mode !== 'NONE') {
    problems.push(problem(fault('REGISTRY_COMPATIBILITY', { mode }), {}, 'warning'))
  }
  if (connect !== undefined && captures) checkPlugins(connect.plugins, platform.connectUrl, problems)
  return { topics, connectors: connect?.connectors, plugins: connect?.plugins }
}

/** Runs a question; an error of ours becomes a problem, and the answer undefined. Anything else is a defect and goes on. */
export async function attempt<Answer>(
  problems: Problem[],
  place: Place,
  question: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await question()
  } catch (thrown) {
    if (!isMillraceError(thrown)) throw thrown
    problems.push(problem(thrown, place))
    return undefined
  }
}

/** True for connectors that this project applied. */
export function isOurs(connector: ConnectorState, project: Project): boolean {
  return connector.config[marked.project] === project.name
}

function checkPlugins(plugins: readonly ConnectPlugin[], url: string, problems: Problem[]): void {
  const debezium = plugins.find((plugin) => plugin.class === debeziumPostgresClass)
  if (debezium === undefined) {
    const facts = { url, plugin: 'Debezium connector for Postgres', archive: debeziumArchive }
    problems.push(problem(fault('CONNECT_PLUGIN_MISSING', facts)))
  } else if (isOlder(debezium.version)) {
    const facts = { url, version: debezium.version ?? 'of an unknown version', archive: debeziumArchive }
    problems.push(problem(fault('CONNECT_PLUGIN_OLD', facts)))
  }
  if (!plugins.some((plugin) => plugin.class === avroConverterClass)) {
    const facts = { url, plugin: 'Avro converter of Apicurio', archive: converterArchive }
    problems.push(problem(fault('CONNECT_PLUGIN_MISSING', facts)))
  }
}

function isOlder(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  return !(major > debeziumLeast[0] || (major === debeziumLeast[0] && minor >= debeziumLeast[1]))
}
