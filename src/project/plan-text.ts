import type { Plan, PlannedLoad, PlanStep } from './plan-model.ts'
import type { Problem } from './problem.ts'

const signs = { create: '+', change: '~', delete: '-', drift: '!', restart: '^' } as const
const verbs = {
  create: 'to create',
  change: 'to change',
  delete: 'to delete',
  drift: 'to set back',
  restart: 'to restart',
} as const

/** The plan as a person reads it: problems, then what `apply` does for each declaration, then the loads. No colours. */
export function formatPlan(plan: Plan): string {
  const sections = [
    ...plan.problems.map(formatProblem),
    ...grouped(plan.steps).map(([title, steps]) => [title, ...steps.map(formatStep)].join('\n')),
    ...(plan.loads.length === 0 ? [] : [['Loads, done by workers', ...plan.loads.map(formatLoad)].join('\n')]),
    summary(plan),
  ]
  return `${sections.join('\n\n')}\n`
}

/** The plan for machines: all of it but how `apply` goes about it. */
export function planData(plan: Plan): object {
  return {
    problems: plan.problems,
    steps: plan.steps.map(({ operation: _, ...step }) => step),
    loads: plan.loads,
  }
}

/** One problem in full: what, where, and what to do. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}`
  const where = [place, problem.field].filter((part) => part !== null && part !== '').join(' ')
  return [
    `${problem.severity} ${problem.code}${where === '' ? '' : ` (${where})`}`,
    `  ${problem.message}`,
    `  ${problem.remedy}`,
  ].join('\n')
}

function grouped(steps: readonly PlanStep[]): readonly (readonly [string, readonly PlanStep[]])[] {
  const groups = new Map<string, PlanStep[]>()
  for (const step of steps) {
    const title = step.file ?? 'No longer declared'
    groups.set(title, [...(groups.get(title) ?? []), step])
  }
  return [...groups]
}

function formatStep(step: PlanStep): string {
  const head = `  ${signs[step.action]} ${step.kind} ${step.name}: ${step.why}${step.destructive ? ' (its data is lost)' : ''}`
  const differences = step.differences.map(({ field, from, to }) => {
    if (step.action === 'create') return `      ${field} = ${to}`
    if (step.action === 'delete') return `      - ${field} ${from}`
    return `      ${field}: ${from ?? 'not set'} -> ${to ?? 'not set'}`
  })
  const sql = step.sql.flatMap(({ sql }) => sql.split('\n').map((line) => `      ${line}`.trimEnd()))
  return [head, ...differences, ...sql].join('\n')
}

function formatLoad({ sync, state, why, tables }: PlannedLoad): string {
  const rows = tables.map(({ table, rowsEstimated }) =>
    rowsEstimated === null
      ? `${table}: rows not known`
      : `${table}: about ${rowsEstimated.toLocaleString('en-US')} rows`,
  )
  const head = `  > ${sync} ${state === 'running' ? 'is loading' : 'will be loaded'}: ${why}`
  return [head, ...rows.map((row) => `      ${row}`)].join('\n')
}

function summary({ problems, steps }: Plan): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  if (errors > 0) return `${errors === 1 ? '1 error' : `${errors} errors`}: nothing can be applied.`
  if (steps.length === 0) return 'Nothing to do: everything is as declared.'
  const counts = Object.entries(verbs).flatMap(([action, verb]) => {
    const count = steps.filter((step) => step.action === action).length
    return count === 0 ? [] : [`${count} ${verb}`]
  })
  return `${counts.join(', ')}.`
}
