import type { TargetTable } from '../../contract/target-table.ts'
import { boundedName, quoteName, quoteNames, quoteTable, quoteText, type TableRef } from './names.ts'
import type { PresentTable } from './target-catalog.ts'

/** Schema of the copies that loads write to. */
export const stagingSchema = 'millrace_staging'

export const stagingSchemaSql = `CREATE SCHEMA IF NOT EXISTS ${stagingSchema}`

/** The staging copy of one target of one sync. */
export function stagingOf(sync: string, target: TableRef): TableRef {
  return { schema: stagingSchema, table: boundedName(`${sync}:${target.schema}.${target.table}`) }
}

/** Tells whose a staging table is: names alone may be cut off. */
export function stagingComment(sync: string): string {
  return `millrace sync ${sync}`
}

/**
 * Makes the staging copy anew, empty: the written columns with the types they have in the target, its defaults, its key, no other
 * constraint. Logged: a crash of the server must not empty what the position says is loaded.
 */
export function createStaging(
  sync: string,
  staging: TableRef,
  target: TargetTable,
  present: PresentTable,
): readonly string[] {
  const name = quoteTable(staging)
  const written = new Set(target.columns.map((column) => column.name))
  const others = present.columns.filter((column) => !written.has(column.name))
  const drops = others.map((column) => `DROP COLUMN ${quoteName(column.name)}`)
  const keys = new Set(target.key)
  const nullable = target.columns.filter(
    (column) => !keys.has(column.name) && present.columns.find(({ name }) => name === column.name)?.notNull,
  )
  const nulls = nullable.map((column) => `ALTER COLUMN ${quoteName(column.name)} DROP NOT NULL`)
  const changes = [...drops, ...nulls, `ADD PRIMARY KEY (${quoteNames(target.key)})`]
  return [
    `DROP TABLE IF EXISTS ${name}`,
    `CREATE TABLE ${name} (LIKE ${quoteTable(target)} INCLUDING DEFAULTS INCLUDING STORAGE)`,
    `ALTER TABLE ${name} ${changes.join(', ')}`,
    `COMMENT ON TABLE ${name} IS ${quoteText(stagingComment(sync))}`,
  ]
}

/** Deletes from the target what staging does not have. */
export function deleteUnstaged(staging: TableRef, target: TargetTable): string {
  return (
    `DELETE FROM ${quoteTable(target)} AS t ` +
    `WHERE NOT EXISTS (SELECT FROM ${quoteTable(staging)} AS s WHERE ${sameKey(target)})`
  )
}

/** Inserts and updates from staging what differs; rows that are equal are not even locked. */
export function upsertStaged(staging: TableRef, target: TargetTable): string {
  const names = target.columns.map((column) => quoteName(column.name))
  const keys = new Set(target.key)
  const others = target.columns.filter((column) => !keys.has(column.name)).map((column) => quoteName(column.name))
  const row = (of: string) => `ROW(${others.map((name) => `${of}.${name}`)})::record`
  const differs = others.length === 0 ? '' : ` OR ${row('t')} OPERATOR(pg_catalog.*<>) ${row('s')}`
  const conflict =
    others.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${others.map((name) => `${name} = excluded.${name}`)}`
  return (
    `INSERT INTO ${quoteTable(target)} (${names}) OVERRIDING SYSTEM VALUE ` +
    `SELECT ${names.map((name) => `s.${name}`)} FROM ${quoteTable(staging)} AS s ` +
    `LEFT JOIN ${quoteTable(target)} AS t ON ${sameKey(target)} ` +
    `WHERE t.${quoteName(target.key[0]!)} IS NULL${differs} ` +
    `ON CONFLICT (${quoteNames(target.key)}) ${conflict}`
  )
}

function sameKey(target: TargetTable): string {
  return target.key.map((name) => `t.${quoteName(name)} = s.${quoteName(name)}`).join(' AND ')
}
