import { type TableContract, tableName } from '../contract/table.ts'
import type { AnySync, TableSync } from '../declare/sync.ts'
import type { AnyTable } from '../declare/table.ts'
import { probeSync } from '../engine/mapping.ts'
import { fault, isMillraceError, type MillraceError } from '../errors.ts'
import { checkAddress } from './check-address.ts'
import { type Problem, problem } from './problem.ts'
import type { Declared, Project } from './project.ts'

type Options = TableSync<AnyTable>

/** What is wrong with one sync, as far as the project itself tells. */
export function checkSync(sync: Declared<AnySync>, project: Project): readonly Problem[] {
  const { file, declaration } = sync
  const problems: Problem[] = [...checkAddress(declaration.to, project.config, file, 'to.')]
  const report = (field: string, error: MillraceError): void => {
    problems.push(problem(error, { file, field }))
  }
  const known = Object.keys(declaration.from)
  for (const entry of Object.keys(declaration.tables ?? {})) {
    if (known.includes(entry)) continue
    report(`tables.${entry}`, fault('SYNC_ENTRY_UNKNOWN', { file, entry, known: known.join(', ') }))
  }
  checkSources(sync, project, report)
  for (const [entry, { contract }] of Object.entries(declaration.from)) {
    checkColumns(file, entry, contract, declaration.tables?.[entry] ?? {}, report)
  }
  checkForeignKeys(sync, report)
  // Functions are tried only on a declaration that is otherwise sound: what they would say follows from what is said already.
  if (problems.length === 0) {
    for (const error of probeSync(sync.name, declaration)) {
      if (isMillraceError(error)) report(fieldOf(error, declaration), error)
    }
  }
  return problems
}

type Report = (field: string, error: MillraceError) => void

function checkSources({ file, declaration }: Declared<AnySync>, project: Project, report: Report): void {
  const sources = [...new Set(Object.values(declaration.from).map(({ contract }) => contract.source))]
  if (sources.length > 1) report('from', fault('SYNC_SOURCES', { file, sources: sources.join(', ') }))
  for (const [entry, { contract }] of Object.entries(declaration.from)) {
    const source = project.sources.find(({ name }) => name === contract.source)
    const table = tableName(contract)
    if (source === undefined) report(`from.${entry}`, fault('SOURCE_UNKNOWN', { file, entry, source: contract.source }))
    else if (!source.declaration.tables.includes(table)) {
      report(`from.${entry}`, fault('TABLE_NOT_CAPTURED', { file, entry, table, sourceFile: source.file }))
    }
  }
}

function checkColumns(file: string, entry: string, contract: TableContract, options: Options, report: Report): void {
  const table = tableName(contract)
  const field = `tables.${entry}.columns`
  if (options.columns === undefined) return
  if (options.row !== undefined) {
    const reason = '`columns` and `row` both say what the target holds; leave one out'
    report(field, fault('DECLARATION_INVALID', { file, field, reason }))
  }
  const names = contract.columns.map(({ name }) => name)
  for (const column of options.columns.filter((column) => !names.includes(column))) {
    report(field, fault('COLUMN_UNKNOWN', { file, field, table, column, known: names.join(', ') }))
  }
  for (const column of contract.key.filter((key) => !options.columns?.includes(key))) {
    report(field, fault('COLUMN_KEY_MISSING', { file, field, table, column }))
  }
}

/** A row may come whose parent `where` keeps away: its foreign key cannot hold in the target. */
function checkForeignKeys({ file, declaration }: Declared<AnySync>, report: Report): void {
  const entries = Object.entries(declaration.from)
  for (const [entry, { contract }] of entries) {
    const options = declaration.tables?.[entry] ?? {}
    if (options.foreignKeys === 'omit') continue
    // A computed row promises nothing but its key; a column that is left out takes its constraint along.
    const kept: readonly string[] | undefined = options.row === undefined ? options.columns : contract.key
    for (const foreignKey of contract.foreignKeys as TableContract['foreignKeys']) {
      if (kept !== undefined && !foreignKey.columns.every((column) => kept.includes(column))) continue
      const parent = tableName(foreignKey.references)
      const [parentEntry] = entries.find(([, table]) => tableName(table.contract) === parent) ?? []
      if (parentEntry === undefined || declaration.tables?.[parentEntry]?.where === undefined) continue
      const facts = { file, constraint: foreignKey.name, child: tableName(contract), parent, entry }
      report(`tables.${entry}.foreignKeys`, fault('FOREIGN_KEY_FILTERED', facts))
    }
  }
}

/** `tables.orders.where`, from what the probe's error says of itself: the entry, or else the source table. */
function fieldOf({ facts }: MillraceError, { from }: AnySync): string {
  const named = Object.entries(from).find(([, { contract }]) => tableName(contract) === facts.table)
  return ['tables', facts.entry ?? named?.[0], facts.function].filter((part) => part !== undefined).join('.')
}
