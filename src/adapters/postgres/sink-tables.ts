import type { TargetTable } from '../../contract/target-table.ts'
import { fault } from '../../errors.ts'
import { quoteName, quoteTable, type TableRef } from './names.ts'
import { type RowKey, rowKey } from './row-key.ts'
import { stagingOf } from './staging.ts'
import type { PresentTable, TargetCatalog } from './target-catalog.ts'
import { parentsFirst } from './target-order.ts'
import { TableStatements } from './write-statements.ts'

/** One target as the sink writes it. */
export interface SinkTable {
  readonly target: TargetTable
  readonly present: PresentTable
  readonly staging: TableRef
  readonly key: RowKey
  readonly writes: { readonly target: TableStatements; readonly staging: TableStatements }
}

/** All targets of a sync, with what the sink's own constraints ask of the order of writes. */
export interface SinkTables {
  readonly all: readonly SinkTable[]
  readonly keys: readonly RowKey[]
  /** Indexes into `all`, referenced tables before those that refer to them. */
  readonly parentsFirst: readonly number[]
  /**
   * Deletes before upserts frees unique values for other rows. Upserts before deletes lets children leave a parent first. Where
   * constraints that cannot wait ask for both, a group may need the source's own order.
   */
  readonly deletesFirst: boolean
  /** Rows in any order can break no constraint of a target besides its key. */
  readonly loadable: boolean
}

/** Throws `TARGET_MISSING` or `TARGET_COLUMN_MISSING` for what the statements cannot do without. */
export function sinkTables(sync: string, targets: readonly TargetTable[], catalog: TargetCatalog): SinkTables {
  const all = targets.map((target): SinkTable => {
    const present = catalog.tables.find(({ schema, table }) => schema === target.schema && table === target.table)
    const name = `${target.schema}.${target.table}`
    if (present === undefined) throw fault('TARGET_MISSING', { table: name })
    for (const column of target.columns) {
      if (present.columns.some((found) => found.name === column.name)) continue
      const definition = `${quoteName(column.name)} ...`
      throw fault('TARGET_COLUMN_MISSING', { table: name, column: column.name, quoted: quoteTable(target), definition })
    }
    const staging = stagingOf(sync, target)
    const writes = {
      target: new TableStatements(target, present, target),
      staging: new TableStatements(target, present, staging),
    }
    return { target, present, staging, key: rowKey(target), writes }
  })
  const place = ({ schema, table }: TableRef) =>
    targets.findIndex((target) => target.schema === schema && target.table === table)
  const edges = catalog.references.map(({ child, parent }) => ({ child: place(child), parent: place(parent) }))
  const others = all.flatMap(({ target, present }) => present.indexes.filter((index) => !isKey(target, index.columns)))
  const uniqueAtOnce = others.some((index) => index.immediate)
  const referenceAtOnce = catalog.references.some((reference) => !reference.deferrable)
  return {
    all,
    keys: all.map(({ key }) => key),
    parentsFirst: parentsFirst(all.length, edges),
    deletesFirst: uniqueAtOnce || !referenceAtOnce,
    loadable: others.length === 0 && all.every(({ present }) => !present.referenced),
  }
}

/** True when an index is on exactly the target's key. */
export function isKey(target: TargetTable, columns: readonly (string | null)[]): boolean {
  return columns.length === target.key.length && target.key.every((name) => columns.includes(name))
}
