import { checkProject } from './check.ts'
import { observePlatform } from './observe-platform.ts'
import { planConnectors } from './plan-connectors.ts'
import type { Plan } from './plan-model.ts'
import { planRemovals } from './plan-removal.ts'
import { planSource } from './plan-source.ts'
import { planForgotten, planSync } from './plan-sync.ts'
import type { Platform } from './platform.ts'
import { type Problem, sortProblems } from './problem.ts'
import type { Project } from './project.ts'

/**
 * Reads the live systems and says what differs from the declarations. Keeps nothing: what is ours is recognised by names and marks.
 * Rejects for no reason that belongs into `problems`: what cannot be reached, is refused or does not fit is all listed there.
 */
export async function planProject(
  project: Project,
  platform: Platform,
  hasSecret?: (name: string) => boolean,
): Promise<Plan> {
  const problems: Problem[] = [...checkProject(project, hasSecret)]
  // A declaration that is wrong by itself is left out of what is asked: the answers would be about something else.
  const wrong = new Set(problems.filter(({ severity }) => severity === 'error').map(({ file }) => file))
  const sound = <Entry extends { readonly file: string }>(entries: readonly Entry[]): readonly Entry[] =>
    entries.filter(({ file }) => !wrong.has(file))

  const seen = await observePlatform(project, platform, problems)
  const sources = await Promise.all(
    sound(project.sources).map((source) => planSource(source, project, platform, seen, problems)),
  )
  const connectors = await planConnectors(sound(project.connectors), project, platform, seen, problems)
  const estimates = new Map(sources.flatMap(({ name, rows }) => (rows === undefined ? [] : [[name, rows]])))
  const syncs = await Promise.all(sound(project.syncs).map((sync) => planSync(sync, estimates, platform, problems)))
  // While a file cannot be read, what it declares is not known to be gone.
  const whole = project.problems.every(({ severity }) => severity !== 'error')
  const removals = whole ? await planRemovals(project, platform, seen, problems) : []
  const forgotten = whole ? await planForgotten(project, platform, seen) : []
  return {
    problems: sortProblems(problems),
    steps: [
      ...sources.flatMap(({ topics }) => topics),
      ...sources.flatMap(({ publication }) => publication),
      ...sources.flatMap(({ connector }) => connector),
      ...connectors,
      ...syncs.flatMap(({ steps }) => steps),
      ...removals,
      ...forgotten,
    ],
    loads: syncs.flatMap(({ load }) => load),
  }
}
