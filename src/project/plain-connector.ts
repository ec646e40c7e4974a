import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault, messageOf } from '../errors.ts'
import { type Problem, problem } from './problem.ts'
import type { PlainConnector } from './project.ts'

/** A property whose value Connect's config topic must not hold as it is. */
const secretive =
  /(^|[._-])(password|passwd|secret|token|credential|credentials|api[._-]?key|private[._-]?key|jaas\.config)$/i
const reference = /\$\{secret:([^}]+)\}/g

/**
 * A `connectors/*.json` file: the properties of any connector, either alone or as `config` beside a `name`, as Connect's own tools
 * write them. Undefined when it cannot be used; then `problems` says why.
 */
export async function readPlainConnector(
  root: string,
  file: string,
  problems: Problem[],
): Promise<PlainConnector | undefined> {
  const refuse = (reason: string): undefined => {
    problems.push(problem(fault('DECLARATION_LOAD', { file, reason }), { file }))
  }
  let json: unknown
  try {
    json = JSON.parse(await readFile(join(root, file), 'utf8'))
  } catch (thrown) {
    return refuse(messageOf(thrown))
  }
  if (!isRecord(json)) return refuse('it must be an object of properties')
  const properties = isRecord(json.config) ? json.config : json
  const config: Record<string, string> = {}
  let wrong = false
  for (const [property, value] of Object.entries(properties)) {
    if (property === 'name') continue
    const report = (error: ReturnType<typeof fault>): void => {
      wrong = true
      problems.push(problem(error, { file, field: property }))
    }
    if (typeof value === 'object') {
      report(fault('DECLARATION_INVALID', { file, field: property, reason: 'must be a string, a number or a boolean' }))
    } else if (secretive.test(property) && !String(value).includes('${')) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect's own spelling
      report(fault('CONNECTOR_SECRET_INLINE', { file, property, reference: '${secret:NAME}' }))
    } else config[property] = String(value)
  }
  if (config['connector.class'] === undefined && !wrong) {
    return refuse('it names no connector.class')
  }
  return wrong ? undefined : Object.freeze(config)
}

/** The names of the secrets a connector refers to. */
export function secretsOf(config: PlainConnector): readonly string[] {
  const names = Object.values(config).flatMap((value) => [...value.matchAll(reference)].map((match) => match[1]!))
  return [...new Set(names)].sort()
}

/** The connector as Connect takes it: each `${secret:NAME}` as its config provider spells it. */
export function renderPlainConnector(
  config: PlainConnector,
  secretReference: (name: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([property, value]) => [
      property,
      value.replace(reference, (_, name: string) => secretReference(name)),
    ]),
  )
}

/** True for properties that are never shown. */
export function isSecretive(property: string): boolean {
  return secretive.test(property)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
