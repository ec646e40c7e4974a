import { describe, expect, it } from 'vitest'
import { Decimal, unchanged } from '../../src/contract/values.ts'
import { type AnySync, sync } from '../../src/declare/sync.ts'
import { table } from '../../src/declare/table.ts'
import { mappingHashes, mapSync, probeSync, tableReadings } from '../../src/engine/mapping.ts'
import type { TableSyncOptions } from '../../src/engine/table-options.ts'
import { contract, customers, items, orders, sinkDeclaration } from '../support/sim-tables.ts'

const declare = (tables: Record<string, TableSyncOptions> = {}, from: object = { customers, orders, items }): AnySync =>
  sync({ from, to: sinkDeclaration, tables } as never) as unknown as AnySync
const mapped = (tables?: Record<string, TableSyncOptions>) => mapSync('copy', declare(tables)).tables
const codes = (tables: Record<string, TableSyncOptions>) =>
  probeSync('copy', declare(tables)).map((problem) => (problem as { code?: string }).code)

const order = [1n, 2n, 'placed', new Decimal('1.5'), 'notes']

describe('a plain copy', () => {
  it('hands the row on as it is', () => {
    expect(mapped()[1]!.map(order)).toBe(order)
    expect(mapped()[1]).toMatchObject({ form: 'carried', partial: true, keyIndexes: [0] })
  })
  it('of some columns picks them, and only those are read', () => {
    const [, picked] = mapped({ orders: { columns: ['net', 'id'] } })
    expect(picked!.target.columns.map((column) => column.name)).toEqual(['id', 'net'])
    expect(picked!.map(order)).toEqual([1n, new Decimal('1.5')])
    expect(picked!.reads).toEqual(['id', 'net'])
    expect(picked).toMatchObject({ partial: false })
  })
  it('tells a partial image from a whole one', () => {
    expect(mapped()[1]!.isPartial(order)).toBe(false)
    expect(mapped()[1]!.isPartial([...order.slice(0, 4), unchanged])).toBe(true)
  })
  it('keeps foreign keys and unique values that hold in the target', () => {
    expect(mapped()[1]!.target.foreignKeys).toHaveLength(1)
    expect(mapped()[0]!.target.uniques).toEqual([['email']])
    expect(mapped({ customers: { columns: ['id', 'name'] } })[0]!.target.uniques).toEqual([])
    expect(mapped({ customers: { where: () => true, columns: ['id'] } })[1]!.target.foreignKeys).toEqual([])
    expect(mapped({ orders: { foreignKeys: 'omit' } })[1]!.target.foreignKeys).toEqual([])
    expect(mapped({ orders: { as: 'sales' } })[2]!.target.foreignKeys[0]!.references.table).toBe('sales')
  })
})

describe('where and row', () => {
  const rich: Record<string, TableSyncOptions> = {
    orders: {
      where: (row) => row.status !== 'draft',
      row: (row) => ({ ...row, cents: (row.net as Decimal).times(100), flag: true, big: 1n }),
    },
  }
  it('make the target: kept columns keep their types, added ones tell theirs', () => {
    const [, computed] = mapped(rich)
    expect(computed!.target.columns.map(({ name, type, nullable }) => [name, type.name, nullable])).toEqual([
      ['id', 'int8', false],
      ['customer_id', 'int8', true],
      ['status', 'text', true],
      ['net', 'numeric', true],
      ['cents', 'numeric', true],
      ['flag', 'bool', true],
      ['big', 'int8', true],
    ])
    expect(computed!.map(order)).toEqual([1n, 2n, 'placed', new Decimal('1.5'), new Decimal(150), true, 1n])
    expect(computed!.map([1n, 2n, 'draft', new Decimal(1), null])).toBeNull()
    expect(computed).toMatchObject({ form: 'typed', partial: false, reads: ['id', 'customer_id', 'status', 'net'] })
  })
  it('never see a column that an update may leave out', () => {
    const seen: string[][] = []
    const row: TableSyncOptions['row'] = (image) => {
      seen.push(Object.keys(image))
      return { ...image }
    }
    mapped({ orders: { row } })
    expect(seen[0]).toEqual(['id', 'customer_id', 'status', 'net'])
    expect(codes({ orders: { where: (row) => row.notes !== null, columns: ['id'] } })).toEqual(['UNCHANGED_READ'])
  })
  it('must not change a key while they run', () => {
    const [mapping] = mapped({
      customers: { row: (row) => ({ ...row, id: row.name === 'odd' ? 9n : (row.id as bigint) }) },
    })
    expect(mapping!.map([1n, 'even', null, null])).toEqual([1n, 'even', null])
    expect(() => mapping!.map([1n, 'odd', null, null])).toThrow(/changes the key column id/)
  })
  it('must give what they gave for the sample rows', () => {
    const odd = (row: { readonly name?: unknown }) => row.name === 'odd'
    const [mapping] = mapped({ customers: { row: (row) => ({ ...row, ...(odd(row) && { extra: 1 }) }) } })
    expect(() => mapping!.map([1n, 'odd', null, null])).toThrow(/extra/)
    const [typed] = mapped({ customers: { row: (row) => ({ ...row, name: odd(row) ? 5 : 'x' }) } })
    expect(() => typed!.map([1n, 'odd', null, null])).toThrow(/a number for name/)
  })
})

describe('what check finds by trying', () => {
  it.each<[string, TableSyncOptions, string]>([
    ['a key that row drops', { row: ({ id: _id, ...rest }) => rest }, 'ROW_KEY'],
    ['a key that row changes', { row: (row) => ({ ...row, id: 5n }) }, 'ROW_KEY'],
    ['a function that throws', { row: () => Object.keys(undefined as never) }, 'FUNCTION_THROWS'],
    [
      'a function that throws on NULL',
      { where: (row) => (row.email as string).length > 0, columns: ['id'] },
      'FUNCTION_THROWS',
    ],
    ['a where that forgets to answer', { where: () => undefined, columns: ['id'] }, 'FUNCTION_RESULT'],
    ['a row that is a promise', { row: async (row) => row }, 'FUNCTION_RESULT'],
    ['a column that is always null', { row: (row) => ({ ...row, extra: null }) }, 'ROW_COLUMN_UNTYPED'],
    ['a value that is none', { row: (row) => ({ ...row, at: new Date(0) }) }, 'FUNCTION_RESULT'],
    [
      'a value of another type than declared',
      { row: (row) => ({ ...row, n: 'x' }), types: { n: 'int4' } },
      'FUNCTION_RESULT',
    ],
    ['where with a column that may be missing', { where: () => true }, 'WHERE_UNCHANGED'],
  ])('%s', (_what, options, code) => {
    expect(codes({ customers: options })).toEqual([code])
  })
  it('of all tables at once, and nothing in what is right', () => {
    expect(codes({ customers: { where: () => true }, orders: { row: () => ({}) } })).toEqual([
      'WHERE_UNCHANGED',
      'ROW_KEY',
    ])
    expect(codes({ customers: { row: (row) => ({ ...row, extra: null }), types: { extra: 'jsonb' } } })).toEqual([])
  })
})

describe('the hash of a mapping', () => {
  const hash = (tables?: Record<string, TableSyncOptions>) => mappingHashes(mapSync('copy', declare(tables)))
  it('stays for the same declaration and changes with what the target shows', () => {
    expect(hash()).toEqual(hash())
    expect(hash({ orders: { columns: ['id', 'net'] } })['public.orders']).not.toBe(hash()['public.orders'])
    const some = hash({ items: { where: (row) => (row.quantity as number) > 1 } })
    const others = hash({ items: { where: (row) => (row.quantity as number) > 2 } })
    expect(some['public.items']).not.toBe(others['public.items'])
    expect(some['public.customers']).toBe(others['public.customers'])
  })
  it('does not change with a source column that is not copied', () => {
    const wider = table(
      contract('items', ['order_id', 'line'], { order_id: 'int8', line: 'int4', quantity: 'int4', note: 'text?' }),
    )
    const columns = ['order_id', 'line', 'quantity']
    const narrow = mappingHashes(mapSync('copy', declare({ items: { columns } }, { items })))
    expect(mappingHashes(mapSync('copy', declare({ items: { columns } }, { items: wider })))).toEqual(narrow)
  })
})

it('asks a decoder once per source table, typed when any function reads it', () => {
  const twice = declare({ b: { as: 'b', where: () => true } }, { a: items, b: items })
  expect(tableReadings(mapSync('copy', twice))).toEqual([
    { contract: items.contract, columns: ['order_id', 'line', 'quantity'], form: 'typed' },
  ])
})
