import { type ForeignKey, tableName } from '../../contract/table.ts'
import type { TargetTable } from '../../contract/target-table.ts'
import { type ColumnValue, unchanged } from '../../contract/values.ts'
import type { SinkChange } from '../../engine/ports.ts'
import { fault, type MillraceError } from '../../errors.ts'
import { keyText, valueText } from './source.ts'

type Row = readonly ColumnValue[]

/** When constraints besides the key are checked: at each change, at the commit (as with tables that millrace makes), or never. */
export type ConstraintMode = 'immediate' | 'deferred' | 'none'

/** Rows of a sync's targets with their constraints; changes can be undone back to a mark. */
export class TargetStore {
  readonly #targets: readonly TargetTable[]
  readonly #rows: Map<string, Row>[]
  readonly #mode: ConstraintMode
  readonly #keyAt: readonly (readonly number[])[]
  /** Tables with parents before their children, as far as their foreign keys allow an order. */
  readonly #order: readonly number[]
  #undo: (() => void)[] = []
  readonly #touched = new Set<number>()

  constructor(targets: readonly TargetTable[], mode: ConstraintMode) {
    this.#targets = targets
    this.#mode = mode
    this.#rows = targets.map(() => new Map())
    this.#keyAt = targets.map((target) => places(target, target.key))
    this.#order = parentsFirst(targets)
  }

  /** Rows of one target by their key's text. */
  rows(table: number): ReadonlyMap<string, Row> {
    return this.#rows[table]!
  }

  /** Takes rows over as they are. */
  fill(table: number, rows: ReadonlyMap<string, Row>): void {
    this.#rows[table] = new Map(rows)
  }

  get empty(): boolean {
    return this.#rows.every((rows) => rows.size === 0)
  }

  /** True when constraints exist that rows in any order could break. */
  get constrained(): boolean {
    if (this.#mode === 'none') return false
    return this.#targets.some(({ uniques, foreignKeys }) => uniques.length + foreignKeys.length > 0)
  }

  /** Forgets how to undo what was done. */
  keep(): void {
    this.#undo = []
    this.#touched.clear()
  }

  /** Takes back everything since the last `keep`. */
  undo(): void {
    for (const step of this.#undo.reverse()) step()
    this.keep()
  }

  /** Throws `SINK_CONSTRAINT` when a touched table breaks a constraint that is checked last. */
  checkDeferred(): void {
    if (this.#mode !== 'deferred') return
    for (const table of this.#touched) this.#checkWhole(table)
    // A parent that lost a row is touched; its children may not be.
    this.#targets.forEach((target, table) => {
      const parents = target.foreignKeys.map(({ references }) => this.#indexOf(references))
      if (!this.#touched.has(table) && parents.some((parent) => this.#touched.has(parent))) this.#checkWhole(table)
    })
  }

  clear(): void {
    for (let table = 0; table < this.#targets.length; table++) this.#truncate(table)
  }

  /** One by one. Answers the partial changes whose row is not there. */
  inOrder(changes: readonly SinkChange[]): SinkChange[] {
    return changes.filter((change) => !this.#apply(change))
  }

  /** The last image per key; deletes children first, upserts parents first. */
  together(changes: readonly SinkChange[]): SinkChange[] {
    const missing: SinkChange[] = []
    let start = 0
    changes.forEach((change, at) => {
      if (change.op !== 'truncate') return
      missing.push(...this.#settle(changes.slice(start, at)))
      this.#truncate(change.table)
      start = at + 1
    })
    missing.push(...this.#settle(start === 0 ? changes : changes.slice(start)))
    return missing
  }

  /** Makes these rows equal to those of another store of the same targets; constraints are checked at the end. */
  become(other: TargetStore): void {
    this.#targets.forEach((_target, table) => {
      for (const [key, row] of [...this.rows(table)])
        if (!other.rows(table).has(key)) this.#remove(table, key, row, false)
      for (const row of other.rows(table).values()) this.#put(table, row, false)
    })
    if (this.#mode === 'immediate') for (const table of this.#order) this.#checkWhole(table)
  }

  #settle(changes: readonly SinkChange[]): SinkChange[] {
    const last = this.#targets.map(() => new Map<string, SinkChange>())
    const missing: SinkChange[] = []
    for (const change of changes) {
      if (change.op === 'truncate' || change.op === 'move')
        throw new Error(`${change.op} among changes applied together.`)
      const key = this.#key(change.table, change.values)
      const before = last[change.table]!.get(key)
      if (change.op === 'delete' || before === undefined || !partial(change.values))
        last[change.table]!.set(key, change)
      else if (before.op === 'upsert') {
        last[change.table]!.set(key, { ...change, values: merge(before.values, change.values) })
      } else missing.push(change)
    }
    for (const table of [...this.#order].reverse()) {
      for (const change of last[table]!.values()) if (change.op === 'delete') this.#apply(change)
    }
    for (const table of this.#order) {
      for (const change of last[table]!.values())
        if (change.op === 'upsert' && !this.#apply(change)) missing.push(change)
    }
    return missing
  }

  /** False when the change is partial and its row is not there. */
  #apply(change: SinkChange): boolean {
    const { table } = change
    if (change.op === 'truncate') {
      this.#truncate(table)
      return true
    }
    const key = this.#key(table, change.values)
    if (change.op === 'delete') {
      const row = this.#rows[table]!.get(key)
      if (row !== undefined) this.#remove(table, key, row)
      return true
    }
    if (change.op === 'move') {
      const fromKey = this.#key(table, change.from)
      const row = this.#rows[table]!.get(fromKey)
      if (row === undefined) return false
      if (fromKey !== key && this.#rows[table]!.has(key)) throw this.#refused(table, change.values, 'primary key')
      this.#remove(table, fromKey, row, false)
      this.#put(table, merge(row, change.values))
      return true
    }
    const before = this.#rows[table]!.get(key)
    if (before === undefined && partial(change.values)) return false
    this.#put(table, before === undefined ? change.values : merge(before, change.values))
    return true
  }

  #put(table: number, values: Row, check = true): void {
    const row = values.map((value) => value ?? null)
    const key = this.#key(table, row)
    const rows = this.#rows[table]!
    const before = rows.get(key)
    this.#undo.push(() => (before === undefined ? rows.delete(key) : rows.set(key, before)))
    rows.set(key, row)
    this.#touched.add(table)
    if (check && this.#mode === 'immediate') this.#checkRow(table, row)
  }

  #remove(table: number, key: string, row: Row, check = true): void {
    const rows = this.#rows[table]!
    this.#undo.push(() => rows.set(key, row))
    rows.delete(key)
    this.#touched.add(table)
    if (check && this.#mode === 'immediate') this.#checkReferences(table, row)
  }

  #truncate(table: number): void {
    const before = this.#rows[table]!
    this.#undo.push(() => {
      this.#rows[table] = before
    })
    this.#rows[table] = new Map()
    this.#touched.add(table)
  }

  #checkWhole(table: number): void {
    for (const row of this.#rows[table]!.values()) this.#checkForeignKeys(table, row)
    for (const unique of this.#targets[table]!.uniques) {
      const at = places(this.#targets[table]!, unique)
      const seen = new Set<string>()
      for (const row of this.#rows[table]!.values()) {
        if (at.some((place) => row[place] === null)) continue
        const text = textAt(row, at)
        if (seen.has(text)) throw this.#refused(table, row, `unique (${unique.join(', ')})`)
        seen.add(text)
      }
    }
  }

  #checkRow(table: number, row: Row): void {
    this.#checkForeignKeys(table, row)
    for (const unique of this.#targets[table]!.uniques) {
      const at = places(this.#targets[table]!, unique)
      if (at.some((place) => row[place] === null)) continue
      const text = textAt(row, at)
      for (const other of this.#rows[table]!.values()) {
        if (other !== row && textAt(other, at) === text)
          throw this.#refused(table, row, `unique (${unique.join(', ')})`)
      }
    }
  }

  #checkForeignKeys(table: number, row: Row): void {
    for (const foreignKey of this.#targets[table]!.foreignKeys) {
      const at = places(this.#targets[table]!, foreignKey.columns)
      if (at.some((place) => row[place] === null)) continue
      if (!this.#points(foreignKey, textAt(row, at))) throw this.#refused(table, row, foreignKey.name)
    }
  }

  #checkReferences(parent: number, row: Row): void {
    this.#targets.forEach((child, table) => {
      for (const foreignKey of child.foreignKeys) {
        if (tableName(foreignKey.references) !== tableName(this.#targets[parent]!)) continue
        const text = textAt(row, places(this.#targets[parent]!, foreignKey.references.columns))
        const at = places(child, foreignKey.columns)
        for (const other of this.#rows[table]!.values()) {
          if (textAt(other, at) === text) throw this.#refused(parent, row, foreignKey.name)
        }
      }
    })
  }

  #points({ references }: ForeignKey, text: string): boolean {
    const parent = this.#indexOf(references)
    const at = places(this.#targets[parent]!, references.columns)
    const isKey = at.length === this.#keyAt[parent]!.length && at.every((place, i) => place === this.#keyAt[parent]![i])
    if (isKey) return this.#rows[parent]!.has(text)
    for (const row of this.#rows[parent]!.values()) if (textAt(row, at) === text) return true
    return false
  }

  #indexOf(name: { readonly schema: string; readonly table: string }): number {
    return this.#targets.findIndex((target) => tableName(target) === tableName(name))
  }

  #key(table: number, values: Row): string {
    return textAt(values, this.#keyAt[table]!)
  }

  #refused(table: number, row: Row, constraint: string): MillraceError {
    const target = this.#targets[table]!
    const facts = { table: tableName(target), row: row.map(valueText).join(', '), constraint, reason: 'violated' }
    return fault('SINK_CONSTRAINT', facts)
  }
}

function partial(values: Row): boolean {
  return values.includes(unchanged)
}

function merge(before: Row, after: Row): Row {
  return after.map((value, at) => (value === unchanged || value === undefined ? before[at] : value))
}

function textAt(row: Row, at: readonly number[]): string {
  return keyText(at.map((place) => row[place]))
}

function places(target: TargetTable, columns: readonly string[]): number[] {
  return columns.map((name) => target.columns.findIndex((column) => column.name === name))
}

function parentsFirst(targets: readonly TargetTable[]): number[] {
  const order: number[] = []
  const visit = (table: number, path: readonly number[]): void => {
    if (order.includes(table) || path.includes(table)) return
    for (const { references } of targets[table]!.foreignKeys) {
      const parent = targets.findIndex((target) => tableName(target) === tableName(references))
      if (parent >= 0) visit(parent, [...path, table])
    }
    order.push(table)
  }
  targets.forEach((_target, table) => {
    visit(table, [])
  })
  return order
}
