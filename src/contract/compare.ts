import { sameType, sqlType } from './pg-type.ts'
import { type ColumnContract, type ForeignKey, type TableContract, tableName } from './table.ts'

/** One way in which a table differs between two readings of it. */
export interface ContractDifference {
  /** `schema.table`. */
  readonly table: string
  /** The column it is about, when it is about one. */
  readonly column?: string
  /** `column-added` and `column-removed` as seen from the older contract. */
  readonly kind:
    | 'table-added'
    | 'table-removed'
    | 'column-added'
    | 'column-removed'
    | 'column-type'
    | 'column-nullable'
    | 'column-unchangeable'
    | 'key'
    | 'replica-identity'
    | 'foreign-keys'
    | 'uniques'
  /** The whole difference as one sentence without a full stop. */
  readonly text: string
}

/** What changed from `older` to `newer`, tables by name, columns in their order. Empty when they say the same. */
export function compareContracts(
  older: readonly TableContract[],
  newer: readonly TableContract[],
): readonly ContractDifference[] {
  const before = new Map(older.map((contract) => [tableName(contract), contract]))
  const after = new Map(newer.map((contract) => [tableName(contract), contract]))
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((table): ContractDifference[] => {
    const [was, is] = [before.get(table), after.get(table)]
    if (was === undefined) return [{ table, kind: 'table-added', text: `${table} was added` }]
    if (is === undefined) return [{ table, kind: 'table-removed', text: `${table} was removed` }]
    return compareTables(table, was, is)
  })
}

function compareTables(table: string, was: TableContract, is: TableContract): ContractDifference[] {
  const found: ContractDifference[] = []
  const say = (kind: ContractDifference['kind'], text: string, column?: string) =>
    found.push({ table, kind, text: `${table}${column === undefined ? '' : `.${column}`} ${text}`, ...named(column) })

  for (const column of was.columns) {
    const now = is.columns.find((other) => other.name === column.name)
    if (now === undefined) say('column-removed', 'was removed', column.name)
    else compareColumns(column, now, say)
  }
  for (const column of is.columns) {
    if (was.columns.some((other) => other.name === column.name)) continue
    say('column-added', `was added: ${sqlType(column.type)}${column.nullable ? '' : ' NOT NULL'}`, column.name)
  }
  if (was.key.join('\n') !== is.key.join('\n')) {
    say('key', `has the primary key (${is.key.join(', ')}) instead of (${was.key.join(', ')})`)
  }
  if (was.replicaIdentity !== is.replicaIdentity) {
    say('replica-identity', `has REPLICA IDENTITY ${is.replicaIdentity.toUpperCase()} now`)
  }
  const keys = difference(was.foreignKeys.map(foreignKeyText), is.foreignKeys.map(foreignKeyText))
  if (keys !== '') say('foreign-keys', `has other foreign keys: ${keys}`)
  const uniques = difference(was.uniques.map(uniqueText), is.uniques.map(uniqueText))
  if (uniques !== '') say('uniques', `has other unique constraints: ${uniques}`)
  return found
}

type Say = (kind: ContractDifference['kind'], text: string, column: string) => void

function compareColumns(was: ColumnContract, is: ColumnContract, say: Say): void {
  if (!sameType(was.type, is.type)) {
    const spelled = sqlType(was.type) !== sqlType(is.type)
    say('column-type', spelled ? `is ${sqlType(is.type)} instead of ${sqlType(was.type)}` : labelText(was, is), is.name)
  }
  if (was.nullable !== is.nullable) {
    say('column-nullable', is.nullable ? 'can be null now' : 'cannot be null any more', is.name)
  }
  if (was.unchangeable !== is.unchangeable) {
    const text = is.unchangeable ? 'can be unchanged in an update now' : 'is in every update now'
    say('column-unchangeable', text, is.name)
  }
}

function labelText(was: ColumnContract, is: ColumnContract): string {
  const changes = difference(was.type.enum?.values ?? [], is.type.enum?.values ?? [])
  return `has other enum labels: ${changes === '' ? 'their order changed' : changes}`
}

/** `-gone, +new`, in order; empty when both lists hold the same. */
function difference(was: readonly string[], is: readonly string[]): string {
  const gone = was.filter((item) => !is.includes(item)).map((item) => `-${item}`)
  const added = is.filter((item) => !was.includes(item)).map((item) => `+${item}`)
  return [...gone, ...added].join(', ')
}

function foreignKeyText({ columns, references }: ForeignKey): string {
  return `(${columns.join(', ')}) to ${tableName(references)} (${references.columns.join(', ')})`
}

function uniqueText(columns: readonly string[]): string {
  return `(${columns.join(', ')})`
}

function named(column: string | undefined): { column?: string } {
  return column === undefined ? {} : { column }
}
