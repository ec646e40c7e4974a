import { type TableContract, tableName } from '../contract/table.ts'
import type { TargetTable } from '../contract/target-table.ts'
import { type ColumnValue, unchanged } from '../contract/values.ts'
import type { AnySync } from '../declare/sync.ts'
import { mappingHash } from './mapping-hash.ts'
import { probeTable } from './mapping-probe.ts'
import { targetForeignKeys, targetUniques } from './mapping-target.ts'
import { rowMapper } from './row-mapper.ts'
import type { TableSyncOptions } from './table-options.ts'

/** How one source table becomes one target table. */
export interface TableMapping {
  /** Its name in the declaration's `from`. */
  readonly entry: string
  /** Its place among the sync's mappings: `SinkChange.table`. */
  readonly index: number
  readonly source: TableContract
  readonly target: TargetTable
  /** Places of the key's columns among the target's columns, in key order. */
  readonly keyIndexes: readonly number[]
  /** Source columns that must be decoded; the others stay `undefined` in an image. */
  readonly reads: readonly string[]
  /** `typed` where a user function reads the rows, `carried` where they are only passed on (numerics stay digits). */
  readonly form: 'typed' | 'carried'
  /** True when images can be partial: a mapped column can be `unchanged`. */
  readonly partial: boolean
  /** Changes when what is in the target would: source and target columns, options, the text of the functions. */
  readonly hash: string
  /**
   * The target's values of a source image, in target column order; null when `where` says that the row is not in the target. Throws
   * what the user's function throws, `UNCHANGED_READ`, `FUNCTION_RESULT` or `ROW_KEY`.
   */
  map(row: readonly ColumnValue[]): readonly ColumnValue[] | null
  /** True when one of the target values is `unchanged`. */
  isPartial(values: readonly ColumnValue[]): boolean
  /** Values with only the key columns set. */
  key(row: readonly ColumnValue[]): readonly ColumnValue[]
}

/** A sync, resolved to what the engine runs and a sink writes. */
export interface SyncMapping {
  readonly name: string
  /** The source's name. */
  readonly source: string
  readonly tables: readonly TableMapping[]
  readonly truncate: 'apply' | 'ignore' | 'stop'
}

/**
 * Resolves a checked declaration. Throws the first problem of `probeSync` where `row` cannot be tried, because the target's columns
 * follow from it.
 */
export function mapSync(name: string, sync: AnySync): SyncMapping {
  const entries = Object.entries(sync.from).map(([entry, table]) => ({
    entry,
    contract: table.contract as TableContract,
    options: optionsOf(sync, entry),
  }))
  const drafts = entries.map(({ entry, contract, options }) => {
    const { columns, problems } = probeTable(name, entry, contract, options)
    if (problems[0]) throw problems[0]
    return {
      contract,
      options,
      target: { schema: sync.to.schema ?? contract.schema, table: options.as ?? contract.table, columns },
    }
  })
  const tables = drafts.map((draft, index): TableMapping => {
    const { contract, options } = draft
    const target: TargetTable = {
      ...draft.target,
      key: contract.key,
      foreignKeys: targetForeignKeys(draft, drafts),
      uniques: targetUniques(draft),
    }
    const mapped = options.columns ?? contract.columns.map((column) => column.name)
    const functions = options.where !== undefined || options.row !== undefined
    const reads = contract.columns.filter(
      (column) => (options.row === undefined && mapped.includes(column.name)) || (functions && !column.unchangeable),
    )
    const columnIndexes = target.columns.map((column) => contract.columns.findIndex(({ name }) => name === column.name))
    const partialAt = columnIndexes.flatMap((at, place) => (contract.columns[at]?.unchangeable ? [place] : []))
    return {
      entry: entries[index]!.entry,
      index,
      source: contract,
      target,
      keyIndexes: contract.key.map((key) => target.columns.findIndex((column) => column.name === key)),
      reads: reads.map((column) => column.name),
      form: functions ? 'typed' : 'carried',
      partial: options.row === undefined && partialAt.length > 0,
      isPartial: (values) => partialAt.some((at) => values[at] === unchanged),
      hash: mappingHash(contract, target, options),
      ...rowMapper(name, entries[index]!.entry, contract, target.columns, options),
    }
  })
  return { name, source: entries[0]?.contract.source ?? '', tables, truncate: sync.truncate ?? 'apply' }
}

/** What `check` needs: everything that trying `where` and `row` on sample rows finds, of all tables. */
export function probeSync(name: string, sync: AnySync): readonly Error[] {
  return Object.entries(sync.from).flatMap(
    ([entry, table]) => probeTable(name, entry, table.contract, optionsOf(sync, entry)).problems,
  )
}

/** What a decoder must give for this sync, once per source table: its wanted columns, typed if any function reads them. */
export function tableReadings(mapping: SyncMapping): readonly {
  readonly contract: TableContract
  readonly columns: readonly string[]
  readonly form: 'typed' | 'carried'
}[] {
  const readings = new Map<string, { contract: TableContract; columns: string[]; form: 'typed' | 'carried' }>()
  for (const { source, reads, form } of mapping.tables) {
    const reading = readings.get(tableName(source)) ?? { contract: source, columns: [], form: 'carried' }
    reading.columns.push(...reads.filter((column) => !reading.columns.includes(column)))
    if (form === 'typed') reading.form = 'typed'
    readings.set(tableName(source), reading)
  }
  return [...readings.values()]
}

/** How logs and errors name a target: `shop.orders`. */
export function targetName(mapping: TableMapping): string {
  return tableName(mapping.target)
}

/** Mapping hash per target: `Position.mappings`. */
export function mappingHashes(mapping: SyncMapping): Readonly<Record<string, string>> {
  return Object.fromEntries(mapping.tables.map((table) => [targetName(table), table.hash]))
}

function optionsOf(sync: AnySync, entry: string): TableSyncOptions {
  return (sync.tables?.[entry] ?? {}) as TableSyncOptions
}
