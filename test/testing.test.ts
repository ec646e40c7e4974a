import { Decimal, type SyncOptions, sync } from 'millrace'
import { testSync } from 'millrace/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { customers, items, orders, sinkDeclaration } from './support/sim-tables.ts'

const copy = sync({
  from: { customers, orders },
  to: sinkDeclaration,
  tables: {
    customers: { columns: ['id', 'name', 'bio'] },
    orders: {
      where: (order) => order.status !== 'draft',
      row: (order) => ({ ...order, gross: order.net.times('1.25') }),
      foreignKeys: 'omit',
    },
  },
})

const ada = { id: 1n, name: 'Ada', email: null, bio: 'long' }

describe('testSync', () => {
  it('loads what is given, then shows transaction by transaction', async () => {
    const test = await testSync(copy, ({ customers }) => customers.insert(ada))
    expect(test.rows('customers')).toEqual([{ id: 1n, name: 'Ada', bio: 'long' }])
    const loaded = test.appliedLsn

    await test.transaction(({ customers, orders }) => {
      customers.update({ id: 1n }, { name: 'Countess' })
      orders.insert({ id: 7n, customer_id: 1n, status: 'draft', net: new Decimal('0.10'), notes: null })
      orders.insert({ id: 8n, customer_id: 1n, status: 'placed', net: new Decimal('0.20'), notes: null })
    })
    expect(test.rows('customers')).toEqual([{ id: 1n, name: 'Countess', bio: 'long' }])
    expect(test.rows('orders')).toEqual([
      { id: 8n, customer_id: 1n, status: 'placed', net: new Decimal('0.20'), gross: new Decimal('0.25') },
    ])
    expect(test.appliedLsn).toBeGreaterThan(loaded)

    await test.transaction(({ orders }) => {
      orders.update({ id: 7n }, { status: 'placed' })
      orders.update({ id: 8n }, { status: 'draft' })
    })
    expect(test.rows('orders').map((order) => order.id)).toEqual([7n])
    await test.close()
  })

  it('keeps a value that a key change left out', async () => {
    const test = await testSync(copy, ({ customers }) => customers.insert(ada))
    await test.transaction(({ customers }) => customers.update({ id: 1n }, { id: 2n }))
    expect(test.rows('customers')).toEqual([{ id: 2n, name: 'Ada', bio: 'long' }])
    await test.transaction(({ customers }) => customers.truncate())
    expect(test.rows('customers')).toEqual([])
    await test.close()
  })

  it('rejects with what stopped the sync, and applies nothing of that transaction', async () => {
    const whole = sync({ from: { orders, items }, to: sinkDeclaration })
    const test = await testSync(whole)
    await expect(
      test.transaction(({ items }) => items.insert({ order_id: 9n, line: 1, quantity: 1 })),
    ).rejects.toMatchObject({ code: 'SYNC_CONSTRAINT', facts: { constraint: 'items_order' } })
    expect(test.rows('items')).toEqual([])
  })

  it('is typed by the declaration', async () => {
    const test = await testSync(copy)
    expectTypeOf(test.rows).parameter(0).toEqualTypeOf<'customers' | 'orders'>()
    expectTypeOf(test.transaction).parameter(0).parameter(0).toHaveProperty('orders')
    const wrong = () =>
      test.transaction(({ customers }) => {
        // @ts-expect-error a column that does not exist
        customers.update({ id: 1n }, { nome: 'x' })
        // @ts-expect-error a key of another type
        customers.delete({ id: '1' })
      })
    expectTypeOf(wrong).returns.resolves.toBeVoid()
    expectTypeOf(copy).toExtend<SyncOptions<{ customers: typeof customers; orders: typeof orders }>>()
    await test.close()
  })
})
