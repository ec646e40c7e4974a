import { tableName } from '../contract/table.ts'
import { fault } from '../errors.ts'
import { databaseKey } from './address.ts'
import { checkContract } from './check-contract.ts'
import { checkSource } from './check-source.ts'
import { checkSync } from './check-sync.ts'
import { secretsOf } from './plain-connector.ts'
import { type Problem, problem, sortProblems } from './problem.ts'
import type { Project } from './project.ts'
import { sourceNames } from './source-names.ts'

/**
 * Everything wrong with a project that can be told without asking any system: all problems of all declarations, those met while
 * reading it included. `hasSecret`, when given, tells whether a secret has a value; one without is a warning.
 */
export function checkProject(project: Project, hasSecret?: (name: string) => boolean): readonly Problem[] {
  const problems: Problem[] = [...project.problems]
  for (const source of project.sources) problems.push(...checkSource(source, project))
  for (const source of project.sources) {
    for (const contract of project.contracts.get(source.name)?.values() ?? []) {
      if (source.declaration.tables.includes(tableName(contract)))
        problems.push(...checkContract(contract, source.file))
    }
  }
  for (const sync of project.syncs) problems.push(...checkSync(sync, project))
  problems.push(...checkSourcesApart(project), ...checkTargetsApart(project))
  if (hasSecret !== undefined) problems.push(...checkSecrets(project, hasSecret))
  return sortProblems(problems)
}

/** Two captures of one database, or by one slot or publication, would fight. */
function checkSourcesApart(project: Project): readonly Problem[] {
  const problems: Problem[] = []
  const seen = new Map<string, string>()
  for (const { name, file, declaration } of project.sources) {
    const database = databaseKey(declaration, project.config)
    const names = sourceNames(name, declaration)
    const uses = [
      ['database', database, database],
      ['slot', names.slot, names.slot],
      ['publication', names.publication, `${database} ${names.publication}`],
    ] as const
    for (const [what, value, key] of uses) {
      const other = seen.get(`${what} ${key}`)
      if (other !== undefined) {
        problems.push(problem(fault('SOURCE_SHARED', { file, other, what, value }), { file, field: what }))
        break
      }
    }
    for (const [what, , key] of uses) if (!seen.has(`${what} ${key}`)) seen.set(`${what} ${key}`, file)
  }
  return problems
}

/** A target table has one writer, also within one sync. */
function checkTargetsApart(project: Project): readonly Problem[] {
  const problems: Problem[] = []
  const writers = new Map<string, string>()
  for (const { file, declaration } of project.syncs) {
    const database = databaseKey(declaration.to, project.config)
    for (const [entry, { contract }] of Object.entries(declaration.from)) {
      const schema = declaration.to.schema ?? contract.schema
      const table = `${schema}.${declaration.tables?.[entry]?.as ?? contract.table}`
      const other = writers.get(`${database} ${table}`)
      if (other !== undefined) {
        const facts = { file, table, database, other: other === file ? 'another table of this sync' : other }
        problems.push(problem(fault('TARGET_TAKEN', facts), { file, field: `from.${entry}` }))
      } else writers.set(`${database} ${table}`, file)
    }
  }
  return problems
}

function checkSecrets(project: Project, hasSecret: (name: string) => boolean): readonly Problem[] {
  const uses = [
    ...project.sources.map(({ file, declaration }) => ({ file, names: [declaration.password.name] })),
    ...project.connectors.map(({ file, declaration }) => ({ file, names: secretsOf(declaration) })),
    ...project.syncs.map(({ file, declaration }) => ({ file, names: [declaration.to.password.name] })),
  ]
  return uses.flatMap(({ file, names }) =>
    names
      .filter((name) => !hasSecret(name))
      .map((name) => problem(fault('SECRET_MISSING', { name }), { file, field: 'password' }, 'warning')),
  )
}
