import { tableName } from '../contract/table.ts'
import type { ColumnValue } from '../contract/values.ts'
import type { TableMapping } from './mapping.ts'
import type { SinkChange } from './ports.ts'

/**
 * The rows of a load of which a partial image came before a whole one.
 *
 * An incremental snapshot drops the row it read when the log has an event of the same key while the chunk is read. If that event left
 * columns `unchanged`, no whole image of the row follows, and only another snapshot of the table brings it. Most such rows are
 * simply not read yet; their whole image follows and takes them off the list.
 */
export class MissingRows {
  readonly #tables: readonly TableMapping[]
  readonly #max: number
  readonly #rows = new Map<number, Set<string>>()
  /** Tables of which it is not known any more which rows. */
  readonly #doubted = new Set<number>()
  #size = 0

  /** `again` are the source tables an earlier owner left doubts about. */
  constructor(tables: readonly TableMapping[], again: readonly string[], max: number) {
    this.#tables = tables
    this.#max = max
    for (const name of again) this.doubt(name)
  }

  /** Source tables, `schema.table`, that are not whole as far as is known. */
  tables(): string[] {
    const indexes = [...this.#doubted, ...this.#rows.keys()]
    return [...new Set(indexes.map((index) => tableName(this.#tables[index]!.source)))].sort()
  }

  /** A table whose rows are not to be trusted, whatever images follow. */
  doubt(source: string): void {
    for (const index of this.#indexesOf(source)) {
      this.#drop(index)
      this.#doubted.add(index)
    }
  }

  /** A snapshot of the table starts: whatever is missing comes, or is found missing again. */
  forget(source: string): void {
    for (const index of this.#indexesOf(source)) {
      this.#drop(index)
      this.#doubted.delete(index)
    }
  }

  /** Takes in what an `apply` of `changes` answered. */
  applied(changes: readonly SinkChange[], missing: readonly SinkChange[]): void {
    if (this.#size > 0) for (const change of changes) this.#resolve(change)
    for (const change of missing) {
      if (change.op === 'move') this.#remove(change.table, change.from)
      if (change.op !== 'truncate') this.#add(change.table, change.values)
    }
  }

  #resolve(change: SinkChange): void {
    if (change.op === 'truncate') this.#drop(change.table)
    else if (change.op === 'delete' || !this.#tables[change.table]!.isPartial(change.values)) {
      this.#remove(change.table, change.values)
    }
  }

  #add(table: number, values: readonly ColumnValue[]): void {
    if (this.#doubted.has(table)) return
    if (this.#size >= this.#max) {
      this.#drop(table)
      this.#doubted.add(table)
      return
    }
    let rows = this.#rows.get(table)
    if (rows === undefined) {
      rows = new Set()
      this.#rows.set(table, rows)
    }
    const before = rows.size
    rows.add(this.#keyOf(table, values))
    this.#size += rows.size - before
  }

  #remove(table: number, values: readonly ColumnValue[]): void {
    const rows = this.#rows.get(table)
    if (rows === undefined || !rows.delete(this.#keyOf(table, values))) return
    this.#size--
    if (rows.size === 0) this.#rows.delete(table)
  }

  #drop(table: number): void {
    this.#size -= this.#rows.get(table)?.size ?? 0
    this.#rows.delete(table)
  }

  #keyOf(table: number, values: readonly ColumnValue[]): string {
    return keyText(this.#tables[table]!, values)
  }

  #indexesOf(source: string): number[] {
    return this.#tables.filter((table) => tableName(table.source) === source).map((table) => table.index)
  }
}

/** The key of a row, for a person and for comparing within a table. */
export function keyText(mapping: TableMapping, values: readonly ColumnValue[]): string {
  return mapping.keyIndexes
    .map((at, index) => {
      const value = values[at]
      const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)
      return `${mapping.target.key[index]}=${text}`
    })
    .join(', ')
}
