import { sqlType } from '../../contract/pg-type.ts'
import type { TargetTable } from '../../contract/target-table.ts'
import { fault, type MillraceError } from '../../errors.ts'
import { quoteName, quoteNames, quoteTable } from './names.ts'
import { isKey } from './sink-tables.ts'
import type { PresentTable } from './target-catalog.ts'
import type { TargetEnums } from './target-enums.ts'
import { presentType, typeProblem } from './target-types.ts'

const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  c: 'a composite type',
  i: 'an index',
}

/** Everything that keeps a sync from writing a table that is there. Further columns are fine. */
export function targetProblems(target: TargetTable, present: PresentTable, enums: TargetEnums): MillraceError[] {
  const table = `${target.schema}.${target.table}`
  const quoted = quoteTable(target)
  if (present.kind !== 'r' && present.kind !== 'p') {
    return [fault('TARGET_KIND', { table, what: kinds[present.kind] ?? 'no table' })]
  }
  const problems: MillraceError[] = []
  for (const wanted of target.columns) {
    const { name: column, type } = wanted
    const found = present.columns.find(({ name }) => name === column)
    const expected = sqlType(type)
    if (found === undefined) {
      const definition = `${quoteName(column)} ${expected}`
      problems.push(fault('TARGET_COLUMN_MISSING', { table, column, quoted, definition }))
      continue
    }
    const grows = type.name === 'enum' && enums.owns(target, wanted, found.type) && type.array === found.type.array
    const reason = grows ? undefined : typeProblem(type, found)
    const actual = presentType(found)
    if (reason !== undefined) problems.push(fault('TARGET_COLUMN_TYPE', { table, column, expected, actual, reason }))
    if (found.notNull && wanted.nullable) {
      problems.push(notNull(target, column, 'the source allows NULL there'))
    }
  }
  const written = new Set(target.columns.map(({ name }) => name))
  for (const found of present.columns) {
    if (written.has(found.name) || !found.notNull || found.filled) continue
    problems.push(notNull(target, found.name, 'the sync gives it no value and it has no default'))
  }
  if (!present.indexes.some((index) => index.whole && index.immediate && isKey(target, index.columns))) {
    const key = target.key.join(', ')
    problems.push(fault('TARGET_KEY', { table, key, quoted, quotedKey: quoteNames(target.key) }))
  }
  return problems
}

function notNull(target: TargetTable, column: string, reason: string): MillraceError {
  const table = `${target.schema}.${target.table}`
  return fault('TARGET_NOT_NULL', {
    table,
    column,
    reason,
    quoted: quoteTable(target),
    quotedColumn: quoteName(column),
  })
}
