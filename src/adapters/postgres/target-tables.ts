import type { ForeignKey } from '../../contract/table.ts'
import type { TargetTable } from '../../contract/target-table.ts'
import type { Statement } from '../../project/ports.ts'
import { boundedName, quoteName, quoteNames, quoteTable, type TableRef } from './names.ts'
import type { PresentTable } from './target-catalog.ts'
import type { TargetEnums } from './target-enums.ts'
import { createdType } from './target-types.ts'

/** Makes the tables of `made`, with their constraints, which wait for the end of a transaction where Postgres lets them. */
export function tableStatements(
  made: readonly TargetTable[],
  targets: readonly TargetTable[],
  present: readonly PresentTable[],
  enums: TargetEnums,
): readonly Statement[] {
  const referenced = (target: TargetTable, columns: readonly string[]) =>
    targets.some((other) =>
      other.foreignKeys.some(
        ({ references }) => sameTable(references, target) && sameColumns(references.columns, columns),
      ),
    )
  const tables = made.map((target) => createTable(target, enums, (columns) => referenced(target, columns)))
  const references = made.flatMap((target) =>
    target.foreignKeys
      .filter((key) => canRefer(key, made, present))
      .flatMap((key) => [...foreignKeyIndex(target, key), addForeignKey(target, key)]),
  )
  return [...tables, ...references]
}

function createTable(
  target: TargetTable,
  enums: TargetEnums,
  referenced: (columns: readonly string[]) => boolean,
): Statement {
  const columns = target.columns.map((column) => {
    const required = column.nullable && !target.key.includes(column.name) ? '' : ' NOT NULL'
    return `${quoteName(column.name)} ${createdType(column.type, enums.sqlName(target, column))}${required}`
  })
  const uniques = target.uniques
    .filter((unique) => !sameColumns(unique, target.key))
    .map((unique) => {
      const name = quoteName(boundedName(`${target.table}_${unique.join('_')}_key`))
      // Postgres lets no foreign key refer to a unique constraint that can wait.
      const waits = referenced(unique) ? '' : ' DEFERRABLE'
      return `CONSTRAINT ${name} UNIQUE (${quoteNames(unique)})${waits}`
    })
  const lines = [...columns, `PRIMARY KEY (${quoteNames(target.key)})`, ...uniques]
  return {
    title: `create table ${target.schema}.${target.table}`,
    sql: `CREATE TABLE ${quoteTable(target)} (\n  ${lines.join(',\n  ')}\n)`,
  }
}

/** A table in the sink can be referred to when a unique index that does not wait is on exactly those columns. */
function canRefer(key: ForeignKey, made: readonly TargetTable[], present: readonly PresentTable[]): boolean {
  const { references } = key
  const target = made.find((other) => sameTable(references, other))
  if (target) {
    return [target.key, ...target.uniques].some((columns) => sameColumns(columns, references.columns))
  }
  const table = present.find((other) => sameTable(references, other))
  const indexes = table?.indexes.filter((index) => index.whole && index.immediate) ?? []
  return indexes.some((index) => sameColumns(index.columns, references.columns))
}

function addForeignKey(target: TargetTable, key: ForeignKey): Statement {
  const parent = key.references
  return {
    title: `add foreign key ${key.name} of ${target.schema}.${target.table} to ${parent.schema}.${parent.table}`,
    sql:
      `ALTER TABLE ${quoteTable(target)} ADD CONSTRAINT ${quoteName(key.name)} FOREIGN KEY (${quoteNames(key.columns)}) ` +
      `REFERENCES ${quoteTable(parent)} (${quoteNames(parent.columns)}) DEFERRABLE`,
  }
}

/** Without it each delete of a referenced row reads the whole table. */
function foreignKeyIndex(target: TargetTable, key: ForeignKey): Statement[] {
  const indexed = [target.key, ...target.uniques]
  if (indexed.some((columns) => sameColumns(columns.slice(0, key.columns.length), key.columns))) return []
  const name = boundedName(`${target.table}_${key.columns.join('_')}_idx`)
  return [
    {
      title: `create index ${name} on ${target.schema}.${target.table}`,
      sql: `CREATE INDEX IF NOT EXISTS ${quoteName(name)} ON ${quoteTable(target)} (${quoteNames(key.columns)})`,
    },
  ]
}

function sameTable(one: TableRef, other: TableRef): boolean {
  return one.schema === other.schema && one.table === other.table
}

function sameColumns(one: readonly (string | null)[], other: readonly string[]): boolean {
  return one.length === other.length && other.every((name) => one.includes(name))
}
