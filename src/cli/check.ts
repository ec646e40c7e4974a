import { Command } from 'commander'
import pc from 'picocolors'
import { checkProject } from '../project/check.ts'
import type { Problem } from '../project/problem.ts'
import { act } from './action.ts'
import { exit } from './exit.ts'
import { errorLines } from './output.ts'
import { openProject, secretValue } from './wiring.ts'

/** `millrace check`: every problem of every declaration at once, without asking any system. */
export function checkCommand(): Command {
  const command = new Command('check')
    .summary('find every problem of every declaration, offline')
    .description('Reads the whole project and reports every problem of every declaration at once. Asks no system.')
  return act(command, async ({ folder, out }) => {
    const project = await openProject(folder)
    const problems = checkProject(project, (name) => secretValue(folder, name) !== undefined)
    const errors = problems.filter(({ severity }) => severity === 'error')
    for (const one of problems) out.line(problemLines(one))
    const declared = project.sources.length + project.connectors.length + project.syncs.length
    out.line(problems.length === 0 ? `${count(declared, 'declaration')}, nothing wrong.` : summary(problems))
    out.result({ problems })
    return errors.length > 0 ? exit.failed : exit.done
  })
}

/** A problem as people read it: where, what, remedy. */
export function problemLines(problem: Problem): string {
  const mark = problem.severity === 'error' ? pc.red('error') : pc.yellow('warning')
  const line = problem.line === null ? '' : `:${problem.line}`
  const place =
    problem.file === null ? '' : `${pc.bold(`${problem.file}${line}`)}${problem.field ? ` ${problem.field}` : ''}\n`
  return `${place}${errorLines(problem, mark)}\n`
}

export function summary(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  return `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}.`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
