import { fault } from '../errors.ts'
import { isOurs, type Observed } from './observe-platform.ts'
import { renderPlainConnector, secretsOf } from './plain-connector.ts'
import { planConnector, withFingerprint } from './plan-connector.ts'
import type { PlanStep } from './plan-model.ts'
import { takenBy } from './plan-source.ts'
import type { Platform } from './platform.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, PlainConnector, Project } from './project.ts'
import { marked } from './source-connector.ts'
import { validateConnector } from './validate-connector.ts'

/** What makes the plain connectors, `connectors/*.json`, as declared. */
export async function planConnectors(
  connectors: readonly Declared<PlainConnector>[],
  project: Project,
  platform: Platform,
  seen: Observed,
  problems: Problem[],
): Promise<readonly PlanStep[]> {
  const steps: PlanStep[] = []
  for (const { name, file, declaration } of connectors) {
    const secrets = secretsOf(declaration)
    const spell = platform.secretReference
    if (spell === null && secrets.length > 0) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect's own spelling
      const facts = { url: platform.connectUrl, secret: secrets[0]!, example: '${vault:millrace:NAME}' }
      problems.push(problem(fault('CONNECT_SECRETS', facts), { file }))
      continue
    }
    const present = seen.connectors?.get(name)
    if (present !== undefined && !isOurs(present, project)) {
      problems.push(problem(takenBy(name, file, present.config), { file }))
      continue
    }
    const rendered = renderPlainConnector(declaration, spell ?? ((secret) => secret))
    const config = withFingerprint({ ...rendered, [marked.project]: project.name })
    const step = seen.connectors && planConnector({ name, file, secrets }, config, present)
    if (step === undefined) continue
    if (step.action !== 'restart') await validateConnector({ name, file, config }, platform, seen, problems)
    steps.push(step)
  }
  return steps
}
