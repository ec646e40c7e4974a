import type { LogEvent, SourceIdentity } from '../../contract/log-event.ts'
import { type TableContract, tableName } from '../../contract/table.ts'
import { type ColumnValue, Decimal, unchanged } from '../../contract/values.ts'

/** One statement of a source transaction on one row. Rows are in the order of the table's columns; keys in the key's. */
export type RowChange =
  | { readonly op: 'insert'; readonly table: TableContract; readonly row: readonly ColumnValue[] }
  | {
      readonly op: 'update'
      readonly table: TableContract
      readonly key: readonly ColumnValue[]
      readonly set: Readonly<Record<string, ColumnValue>>
    }
  | { readonly op: 'delete'; readonly table: TableContract; readonly key: readonly ColumnValue[] }
  | { readonly op: 'truncate'; readonly table: TableContract }

/** Which records are halves of a key update, as Debezium marks them in their headers. */
export const halves = new WeakMap<LogEvent, 'first' | 'second'>()

/** A committed transaction, as it goes into the log. */
export interface SourceTransaction {
  readonly id: string
  readonly lsn: bigint
  /** Between BEGIN and END. */
  readonly events: readonly LogEvent[]
  readonly begin: LogEvent
  readonly end: LogEvent
}

type Rows = ReadonlyMap<string, readonly ColumnValue[]>
/** Rows of each table by their key's text. Never changed in place. */
export type SourceState = ReadonlyMap<TableContract, Rows>

/** A Postgres in memory, as far as capture can tell: committed states, and what its WAL says about each step between them. */
export class MemorySource {
  identity: SourceIdentity = { systemIdentifier: '7000000000000000001', timeline: 1 }
  readonly history: SourceTransaction[] = []
  #state: SourceState
  #lsn = 0x1000n
  #id = 700

  constructor(tables: readonly TableContract[]) {
    this.#state = new Map(tables.map((table) => [table, new Map()]))
  }

  get state(): SourceState {
    return this.#state
  }

  /** How far the WAL is written. */
  get lsn(): bigint {
    return this.#lsn
  }

  /** Commits changes; with none, a transaction on tables that nobody captures. Throws on a key that is not there or there already. */
  commit(changes: readonly RowChange[], nowMs: number, heartbeat = false): SourceTransaction {
    const id = String(this.#id++)
    const work = new Map([...this.#state])
    const copied = new Set<TableContract>()
    const events: LogEvent[] = []
    const counts = new Map<string, number>()
    const emit = (event: LogEvent & { kind: 'change' | 'truncate' }): void => {
      const name = tableName(event.kind === 'change' ? event.change.table : event.table)
      counts.set(name, (counts.get(name) ?? 0) + 1)
      events.push(event)
    }
    for (const change of changes) {
      this.#lsn += 0x10n
      if (!copied.has(change.table)) {
        work.set(change.table, new Map(work.get(change.table)))
        copied.add(change.table)
      }
      play(change, work.get(change.table) as Map<string, readonly ColumnValue[]>, id, this.#lsn, emit)
    }
    if (heartbeat) events.push({ kind: 'identity', transaction: id, identity: this.identity })
    this.#lsn += 0x10n
    this.#state = work
    const transaction: SourceTransaction = {
      id,
      lsn: this.#lsn,
      events,
      begin: { kind: 'begin', transaction: id },
      end: { kind: 'end', transaction: id, lsn: this.#lsn, counts, commitTimeMs: nowMs },
    }
    this.history.push(transaction)
    return transaction
  }
}

function play(
  change: RowChange,
  rows: Map<string, readonly ColumnValue[]>,
  transaction: string,
  lsn: bigint,
  emit: (event: LogEvent & { kind: 'change' | 'truncate' }) => void,
): void {
  const { table } = change
  const tell = (op: 'insert' | 'update' | 'delete', row: readonly ColumnValue[], half?: 'first' | 'second'): void => {
    const event = { kind: 'change', transaction, lsn, change: { table, op, row } } as const
    if (half !== undefined) halves.set(event, half)
    emit(event)
  }
  if (change.op === 'truncate') {
    rows.clear()
    emit({ kind: 'truncate', transaction, table })
    return
  }
  if (change.op === 'insert') {
    const key = rowKey(table, change.row)
    if (rows.has(key)) throw new Error(`${tableName(table)} has a row ${key} already.`)
    rows.set(key, change.row)
    tell('insert', change.row)
    return
  }
  const key = keyText(change.key)
  const before = rows.get(key)
  if (before === undefined) throw new Error(`${tableName(table)} has no row ${key}.`)
  rows.delete(key)
  if (change.op === 'delete') {
    tell('delete', keyOnly(table, before))
    return
  }
  const after = table.columns.map(({ name }, at) => (Object.hasOwn(change.set, name) ? change.set[name] : before[at]))
  const afterKey = rowKey(table, after)
  if (rows.has(afterKey)) throw new Error(`${tableName(table)} has a row ${afterKey} already.`)
  rows.set(afterKey, after)
  const image = after.map((value, at) => {
    const column = table.columns[at]!
    return column.unchangeable && value !== null && !Object.hasOwn(change.set, column.name) ? unchanged : value
  })
  if (afterKey === key) {
    tell('update', image)
  } else {
    tell('delete', keyOnly(table, before), 'first')
    tell('insert', image, 'second')
  }
}

/** A row with only its key's columns set, as a delete carries it. */
function keyOnly(table: TableContract, row: readonly ColumnValue[]): ColumnValue[] {
  return table.columns.map(({ name }, at) => (table.key.includes(name) ? row[at] : undefined))
}

/** The key of a row as text. */
export function rowKey(table: TableContract, row: readonly ColumnValue[]): string {
  return keyText(table.key.map((name) => row[table.columns.findIndex((column) => column.name === name)]))
}

export function keyText(values: readonly ColumnValue[]): string {
  return values.map(valueText).join('\u0000')
}

/** A value as text that tells values of different kinds apart. */
export function valueText(value: ColumnValue): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  if (Decimal.isDecimal(value)) return `d${value.toString()}`
  return `${(typeof value)[0]}${String(value)}`
}
