import { Command } from 'commander'
import pc from 'picocolors'
import {
  type ApplyProgress,
  applyPlan,
  destructiveSteps,
  formatPlan,
  isBroken,
  isEmpty,
  type Plan,
  planData,
  planProject,
} from '../project/index.ts'
import type { Project } from '../project/project.ts'
import { act, type Context } from './action.ts'
import { agreed } from './agreed.ts'
import { exit } from './exit.ts'
import { openPlatform, openProject, secretValue } from './wiring.ts'

interface ApplyOptions {
  readonly yes?: boolean
}

/** `millrace apply`: plans, asks, and makes it so. Safe to interrupt and repeat. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .summary('make everything as declared')
    .description('Shows the plan, asks, and makes it so. Interrupted anywhere, it is simply run again.')
    .option('-y, --yes', 'do not ask')
  return act<ApplyOptions>(command, async (context, { yes }) => {
    const project = await openProject(context.folder)
    return (await applyProject(context, project, yes === true)) === 'applied' ? exit.done : exit.failed
  })
}

/** Plans and applies, with the plan shown before and the progress during. What `apply` and `up` have in common. */
export async function applyProject(
  { folder, out, signal }: Context,
  project: Project,
  yes: boolean,
  ask: 'always' | 'destructive' = 'always',
): Promise<'applied' | 'refused' | 'broken'> {
  const platform = openPlatform(project)
  try {
    const plan = await planProject(project, platform, (name) => secretValue(folder, name) !== undefined)
    out.line(formatPlan(plan).trimEnd())
    if (isBroken(plan)) {
      out.result({ applied: false, ...planData(plan) })
      return 'broken'
    }
    if (!isEmpty(plan)) {
      const mustAsk = ask === 'always' || destructiveSteps(plan).length > 0
      if (mustAsk && !(await agreed(questionFor(plan), yes, out.json))) {
        out.line('Nothing was applied.')
        out.result({ applied: false, ...planData(plan) })
        return 'refused'
      }
      if (signal.aborted) return 'refused'
      await applyPlan(plan, platform, (progress) => out.progress(progressLine(progress)))
      out.line(pc.green(`Applied ${plan.steps.length} ${plan.steps.length === 1 ? 'step' : 'steps'}.`))
    }
    out.result({ applied: true, ...planData(plan) })
    return 'applied'
  } finally {
    await platform.topics.close()
  }
}

function questionFor(plan: Plan): string {
  const lost = destructiveSteps(plan)
  if (lost.length === 0) return 'Apply? Type yes: '
  return `This deletes data that cannot be had again: ${lost.map(({ name }) => name).join(', ')}. Apply? Type yes: `
}

function progressLine(progress: ApplyProgress): string {
  if (progress.kind === 'waiting') {
    return `      connector ${progress.connector} is ${progress.state.toLowerCase()}, ${progress.seconds} s`
  }
  const { number, of, step, state } = progress
  return `  ${number}/${of} ${step.kind} ${step.name} ${state === 'done' ? 'done' : '…'}`
}
