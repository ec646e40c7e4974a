import { fault } from '../errors.ts'
import { attempt, type Observed } from './observe-platform.ts'
import type { Platform } from './platform.ts'
import type { ConnectorConfig } from './ports.ts'
import { type Problem, problem } from './problem.ts'

interface Candidate {
  readonly name: string
  readonly file: string
  readonly config: ConnectorConfig
  /** True when our own probes already said why the database cannot be captured: Connect would say it again, in worse words. */
  readonly databaseIsKnownUnfit?: boolean
}

/** Asks Connect what it has against a configuration, and adds it to `problems`, each with its property. */
export async function validateConnector(
  { name, file, config, databaseIsKnownUnfit = false }: Candidate,
  platform: Platform,
  seen: Observed,
  problems: Problem[],
): Promise<void> {
  const url = platform.connectUrl
  if (seen.plugins === undefined) return
  if (!seen.plugins.some((plugin) => plugin.class === config['connector.class'])) {
    // For sources of ours this is said once, with the archive to add.
    if (config['millrace.project'] !== undefined && config['slot.name'] !== undefined) return
    const plugin = config['connector.class'] ?? 'connector.class'
    const facts = { url, plugin, archive: `the plugin with ${plugin}` }
    problems.push(problem(fault('CONNECT_PLUGIN_MISSING', facts), { file, field: 'connector.class' }))
    return
  }
  const errors = (await attempt(problems, { file }, () => platform.connect.validate(name, config))) ?? []
  for (const { property, message } of errors) {
    if (property === 'exactly.once.support') {
      const known = problems.some(({ code }) => code === 'CONNECT_EXACTLY_ONCE')
      if (!known) problems.push(problem(fault('CONNECT_EXACTLY_ONCE', { url }), { file, field: property }))
    } else if (!(databaseIsKnownUnfit && property.startsWith('database.'))) {
      const facts = { connector: name, property, reason: message }
      problems.push(problem(fault('CONNECTOR_INVALID', facts), { file, field: property }))
    }
  }
}
