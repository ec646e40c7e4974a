import type { ColumnContract, ColumnType, ScalarType, TableContract } from '../../src/contract/table.ts'

/** A column for tests: not null, never unchanged, unless told. */
export function column(
  name: string,
  type: ScalarType | ColumnType,
  more: { readonly nullable?: boolean; readonly unchangeable?: boolean } = {},
): ColumnContract {
  return {
    name,
    type: typeof type === 'string' ? { name: type, array: false } : type,
    nullable: more.nullable ?? false,
    unchangeable: more.unchangeable ?? false,
  }
}

/** A table for tests, with `id` as its key where nothing else is said. */
export function contract(
  table: string,
  columns: readonly ColumnContract[],
  more: Partial<Omit<TableContract, 'table' | 'columns'>> = {},
): TableContract {
  return {
    source: 'shop',
    schema: 'public',
    table,
    key: ['id'],
    columns,
    replicaIdentity: 'default',
    foreignKeys: [],
    uniques: [],
    ...more,
  }
}

const status: ColumnType = {
  name: 'enum',
  array: false,
  enum: { schema: 'public', name: 'order_status', values: ['draft', 'placed', "won't ship"] },
}

/** A small shop that uses every kind of column once. */
export const customersContract = contract(
  'customers',
  [
    column('id', 'int8'),
    column('email', { name: 'varchar', array: false, length: 20 }),
    column('vip', 'bool'),
    column('tags', { name: 'text', array: true }, { nullable: true, unchangeable: true }),
  ],
  { uniques: [['email']] },
)

export const ordersContract = contract(
  'order_lines',
  [
    column('order_id', 'int8'),
    column('line', 'int4'),
    column('customer_id', 'int8'),
    column('status', status),
    column('net', { name: 'numeric', array: false, precision: 12, scale: 2 }),
    column('weight', 'float8', { nullable: true }),
    column('notes', 'text', { nullable: true, unchangeable: true }),
    column('picture', 'bytea', { nullable: true, unchangeable: true }),
    column('due', 'date', { nullable: true }),
    column('paid_at', 'timestamptz', { nullable: true }),
    column('past', { ...status, array: true }, { nullable: true }),
    column('Mixed "case"', 'uuid'),
  ],
  {
    key: ['order_id', 'line'],
    foreignKeys: [
      {
        name: 'order_lines_customer',
        columns: ['customer_id'],
        references: { schema: 'public', table: 'customers', columns: ['id'] },
      },
    ],
  },
)

export const archivedCustomersContract = contract('customers', [column('id', 'int4')], { schema: 'archive' })
