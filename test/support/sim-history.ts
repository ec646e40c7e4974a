import type { MemorySource, RowChange, SourceState } from '../../src/adapters/memory/source.ts'
import { keyText } from '../../src/adapters/memory/source.ts'
import type { TableContract } from '../../src/contract/table.ts'
import { type ColumnValue, Decimal } from '../../src/contract/values.ts'
import type { SimRandom } from './sim-random.ts'
import { customers, items, orders } from './sim-tables.ts'

const C = customers.contract
const O = orders.contract
const I = items.contract

/**
 * Writes random transactions that a real source would accept. With `strict`, every statement by itself keeps foreign keys and
 * unique values, as constraints demand that are checked at once.
 */
export class SimHistory {
  readonly #source: MemorySource
  readonly #random: SimRandom
  readonly #strict: boolean
  #changes: RowChange[] = []
  #state = new Map<TableContract, Map<string, readonly ColumnValue[]>>()
  #serial = 0

  constructor(source: MemorySource, random: SimRandom, strict: boolean) {
    this.#source = source
    this.#random = random
    this.#strict = strict
  }

  /** The changes of one transaction on the source's present state. */
  transaction(): RowChange[] {
    this.#changes = []
    this.#state = new Map([...(this.#source.state as SourceState)].map(([table, rows]) => [table, new Map(rows)]))
    if (this.#random.chance(0.08)) return []
    const size = this.#random.chance(0.08) ? this.#random.int(20, 40) : this.#random.int(1, 5)
    for (let i = 0; i < size; i++) this.#change()
    return this.#changes
  }

  #change(): void {
    const random = this.#random
    const customer = this.#any(C)
    const order = this.#any(O)
    const item = this.#any(I)
    const kind = random.int(0, 99)
    if (customer === undefined || kind < 14) this.#insertCustomer()
    else if (order === undefined || kind < 28) this.#insertOrder(customer)
    else if (kind < 40) this.#insertItem(order)
    else if (kind < 52) this.#do({ op: 'update', table: C, key: [customer[0]], set: this.#customerPatch() })
    else if (kind < 68) this.#do({ op: 'update', table: O, key: [order[0]], set: this.#orderPatch() })
    else if (kind < 76 && item) {
      this.#do({ op: 'update', table: I, key: [item[0], item[1]], set: { quantity: random.int(1, 99) } })
    } else if (kind < 81 && item) this.#do({ op: 'delete', table: I, key: [item[0], item[1]] })
    else if (kind < 85) this.#deleteOrder(order)
    else if (kind < 88) this.#deleteCustomer(customer)
    else if (kind < 93) this.#moveCustomer(customer)
    else if (kind < 97) this.#swapEmails(customer)
    else if (kind < 99) this.#do({ op: 'truncate', table: I })
    else for (const table of [I, O, C]) this.#do({ op: 'truncate', table })
  }

  #insertCustomer(): void {
    const id = this.#freeId(C)
    if (id === undefined) return
    this.#do({ op: 'insert', table: C, row: [id, this.#text(), this.#email(), this.#long()] })
  }

  #insertOrder(customer: readonly ColumnValue[]): void {
    const id = this.#freeId(O)
    if (id === undefined) return
    const net = new Decimal(this.#random.int(1, 9999)).div(100)
    const row: ColumnValue[] = [id, customer[0], this.#random.pick(['draft', 'placed', 'paid']), net, this.#long()]
    this.#do({ op: 'insert', table: O, row })
  }

  #insertItem(order: readonly ColumnValue[]): void {
    const line = this.#random.int(1, 4)
    if (this.#rows(I).has(keyText([order[0], line]))) return
    this.#do({ op: 'insert', table: I, row: [order[0], line, this.#random.int(1, 99)] })
  }

  #customerPatch(): Record<string, ColumnValue> {
    if (this.#random.chance(0.2)) return { bio: this.#long() }
    return this.#random.chance(0.3) ? { email: this.#email() } : { name: this.#text() }
  }

  #orderPatch(): Record<string, ColumnValue> {
    if (this.#random.chance(0.2)) return { notes: this.#long(), status: 'paid' }
    return { status: this.#random.pick(['draft', 'placed', 'paid']) }
  }

  #deleteOrder(order: readonly ColumnValue[]): void {
    for (const item of [...this.#rows(I).values()]) {
      if (item[0] === order[0]) this.#do({ op: 'delete', table: I, key: [item[0], item[1]] })
    }
    this.#do({ op: 'delete', table: O, key: [order[0]] })
  }

  #deleteCustomer(customer: readonly ColumnValue[]): void {
    for (const order of [...this.#rows(O).values()]) if (order[1] === customer[0]) this.#deleteOrder(order)
    this.#do({ op: 'delete', table: C, key: [customer[0]] })
  }

  /** A key change that leaves the long column alone; sometimes it takes the place of a row just deleted. */
  #moveCustomer(customer: readonly ColumnValue[]): void {
    const children = [...this.#rows(O).values()].filter((order) => order[1] === customer[0])
    if (this.#strict && children.length > 0) return
    const other = this.#any(C)
    let id = this.#freeId(C)
    if (other !== undefined && other !== customer && this.#random.chance(0.3)) {
      this.#deleteCustomer(other)
      id = other[0] as bigint
    }
    if (id === undefined) return
    this.#do({ op: 'update', table: C, key: [customer[0]], set: { id } })
    for (const order of children) this.#do({ op: 'update', table: O, key: [order[0]], set: { customer_id: id } })
  }

  #swapEmails(customer: readonly ColumnValue[]): void {
    const other = this.#any(C)
    if (other === undefined || other[0] === customer[0]) return
    if (this.#strict) this.#do({ op: 'update', table: C, key: [customer[0]], set: { email: null } })
    this.#do({ op: 'update', table: C, key: [other[0]], set: { email: customer[2] ?? null } })
    this.#do({ op: 'update', table: C, key: [customer[0]], set: { email: other[2] ?? null } })
  }

  #do(change: RowChange): void {
    const rows = this.#rows(change.table)
    const keyOf = (row: readonly ColumnValue[]): string =>
      keyText(change.table.key.map((name) => row[change.table.columns.findIndex((column) => column.name === name)]))
    if (change.op === 'truncate') rows.clear()
    else if (change.op === 'insert') rows.set(keyOf(change.row), change.row)
    else {
      const key = keyText(change.key)
      const row = rows.get(key)
      if (row === undefined) return
      rows.delete(key)
      if (change.op === 'update') {
        const after = change.table.columns.map(({ name }, at) =>
          Object.hasOwn(change.set, name) ? change.set[name] : row[at],
        )
        rows.set(keyOf(after), after)
      }
    }
    this.#changes.push(change)
  }

  #rows(table: TableContract): Map<string, readonly ColumnValue[]> {
    return this.#state.get(table)!
  }

  #any(table: TableContract): readonly ColumnValue[] | undefined {
    const rows = [...this.#rows(table).values()]
    return rows.length === 0 ? undefined : this.#random.pick(rows)
  }

  /** Ids come from a small range, so that they are used again. */
  #freeId(table: TableContract): bigint | undefined {
    const id = BigInt(this.#random.int(1, 9))
    return this.#rows(table).has(keyText([id])) ? undefined : id
  }

  #text(): string {
    return `t${this.#serial++}`
  }

  #long(): string | null {
    return this.#random.chance(0.1) ? null : `long ${this.#serial++}`
  }

  /** Unique among the customers, NULLs aside. */
  #email(): string | null {
    return this.#random.chance(0.2) ? null : `e${this.#serial++}@example.org`
  }
}
