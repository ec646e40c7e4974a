import type { PostgresSource } from '../declare/postgres-source.ts'
import { fault, type MillraceError } from '../errors.ts'
import { checkAddress } from './check-address.ts'
import { refusedProperty } from './debezium-properties.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, Project } from './project.ts'

/** What is wrong with one source, as far as the project itself tells. */
export function checkSource(
  { name, file, declaration }: Declared<PostgresSource>,
  project: Project,
): readonly Problem[] {
  const problems: Problem[] = [...checkAddress(declaration, project.config, file)]
  const report = (field: string, error: MillraceError): void => {
    problems.push(problem(error, { file, field }))
  }
  const contracts = project.contracts.get(name)
  const seen = new Set<string>()
  declaration.tables.forEach((table, index) => {
    const field = `tables[${index}]`
    if (seen.has(table)) report(field, fault('TABLE_TWICE', { file, field, table }))
    else if (!contracts?.has(table)) report(field, fault('TABLE_UNTYPED', { file, table, source: name }))
    seen.add(table)
  })
  if (!project.placeholders.has(name)) report('', fault('SOURCE_UNTYPED', { file, source: name }))
  for (const [property, value] of Object.entries(declaration.debezium ?? {})) {
    const reason = refusedProperty(property, value)
    if (reason !== undefined) report(`debezium.${property}`, fault('DEBEZIUM_PROPERTY', { file, property, reason }))
  }
  return problems
}
