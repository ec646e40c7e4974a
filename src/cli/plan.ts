import { Command } from 'commander'
import { formatPlan, isBroken, isEmpty, planData, planProject } from '../project/index.ts'
import { act } from './action.ts'
import { exit } from './exit.ts'
import { openPlatform, openProject, secretValue } from './wiring.ts'

interface PlanOptions {
  readonly detailedExitcode?: boolean
}

/** `millrace plan`: what differs between what is declared and what is there. Changes nothing. */
export function planCommand(): Command {
  const command = new Command('plan')
    .summary('show what apply would do')
    .description(
      'Reads the live systems and shows what differs from what is declared, with the SQL that would run. Changes nothing.',
    )
    .option('--detailed-exitcode', 'exit with 3 when there are changes')
  return act<PlanOptions>(command, async ({ folder, out }, { detailedExitcode }) => {
    const project = await openProject(folder)
    const platform = openPlatform(project)
    try {
      const plan = await planProject(project, platform, (name) => secretValue(folder, name) !== undefined)
      out.line(formatPlan(plan).trimEnd())
      out.result(planData(plan))
      if (isBroken(plan)) return exit.failed
      return detailedExitcode === true && !isEmpty(plan) ? exit.changes : exit.done
    } finally {
      await platform.topics.close()
    }
  })
}
