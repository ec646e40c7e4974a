import type { SourceState } from '../../src/adapters/memory/source.ts'
import { keyText } from '../../src/adapters/memory/source.ts'
import type { ColumnContract, ScalarType, TableContract } from '../../src/contract/table.ts'
import type { ColumnValue, Decimal } from '../../src/contract/values.ts'
import { postgresSink } from '../../src/declare/postgres-sink.ts'
import { secret } from '../../src/declare/secret.ts'
import { type AnySync, sync } from '../../src/declare/sync.ts'
import { type Table, table } from '../../src/declare/table.ts'

/** A column of a test's table; `?` after the type: nullable, `~`: an update may leave it out. */
function columns(spec: Readonly<Record<string, string>>): ColumnContract[] {
  return Object.entries(spec).map(([name, type]) => ({
    name,
    type: { name: type.replace(/[?~]/g, '') as ScalarType, array: false },
    nullable: type.includes('?'),
    unchangeable: type.includes('~'),
  }))
}

export function contract(
  name: string,
  key: readonly string[],
  spec: Readonly<Record<string, string>>,
  more: Partial<TableContract> = {},
): TableContract {
  return {
    source: 'shop',
    schema: 'public',
    table: name,
    key,
    columns: columns(spec),
    replicaIdentity: 'default',
    foreignKeys: [],
    uniques: [],
    ...more,
  }
}

function pointsTo(name: string, from: string, parent: string): TableContract['foreignKeys'][number] {
  return { name, columns: [from], references: { schema: 'public', table: parent, columns: ['id'] } }
}

export interface CustomerRow {
  readonly id: bigint
  readonly name: string
  readonly email: string | null
  readonly bio: string | null
}
export interface OrderRow {
  readonly id: bigint
  readonly customer_id: bigint
  readonly status: string
  readonly net: Decimal
  readonly notes: string | null
}
export interface ItemRow {
  readonly order_id: bigint
  readonly line: number
  readonly quantity: number
}

export const customers: Table<CustomerRow, 'id', 'bio'> = table(
  contract('customers', ['id'], { id: 'int8', name: 'text', email: 'text?', bio: 'text?~' }, { uniques: [['email']] }),
)
export const orders: Table<OrderRow, 'id', 'notes'> = table(
  contract(
    'orders',
    ['id'],
    { id: 'int8', customer_id: 'int8', status: 'text', net: 'numeric', notes: 'text?~' },
    { foreignKeys: [pointsTo('orders_customer', 'customer_id', 'customers')] },
  ),
)
export const items: Table<ItemRow, 'order_id' | 'line'> = table(
  contract(
    'items',
    ['order_id', 'line'],
    { order_id: 'int8', line: 'int4', quantity: 'int4' },
    { foreignKeys: [pointsTo('items_order', 'order_id', 'orders')] },
  ),
)
export const simTables: readonly TableContract[] = [customers.contract, orders.contract, items.contract]

export const sinkDeclaration = postgresSink({ url: 'postgres://sync@localhost/billing', password: secret('X') })

type Row = readonly ColumnValue[]

/** A declaration, and what it must make of each table, written down independently of the engine. */
export interface SimVersion {
  readonly declaration: AnySync
  readonly expected: readonly ((row: Row) => Row | null)[]
}

const all = (row: Row): Row => row

export const simVersions: readonly SimVersion[] = [
  {
    declaration: sync({ from: { customers, orders, items }, to: sinkDeclaration }) as unknown as AnySync,
    expected: [all, all, all],
  },
  {
    declaration: sync({
      from: { customers, orders, items },
      to: sinkDeclaration,
      tables: {
        orders: { where: (order) => order.status !== 'draft', columns: ['id', 'customer_id', 'status', 'net'] },
        items: { foreignKeys: 'omit' },
      },
    }) as unknown as AnySync,
    expected: [all, (row) => (row[2] === 'draft' ? null : row.slice(0, 4)), all],
  },
  {
    declaration: sync({
      from: { customers, orders, items },
      to: sinkDeclaration,
      tables: {
        customers: { columns: ['id', 'email', 'bio'] },
        orders: { row: (order) => ({ ...order, doubled: order.net.plus(order.net) }) },
      },
    }) as unknown as AnySync,
    expected: [
      (row) => [row[0], row[2], row[3]],
      (row) => [...row.slice(0, 4), (row[3] as Decimal).plus(row[3] as Decimal)],
      all,
    ],
  },
  {
    declaration: sync({ from: { customers, items }, to: sinkDeclaration }) as unknown as AnySync,
    expected: [all, all],
  },
]

/** The image of a source state that a version's targets must show: one text per row, sorted, per target. */
export function expectedImage(version: SimVersion, state: SourceState): string[][] {
  return Object.values(version.declaration.from).map(({ contract }, at) => {
    const rows = [...state.get(contract)!.values()].map(version.expected[at]!)
    return rows.flatMap((row) => (row === null ? [] : [keyText(row)])).sort()
  })
}
