import { describe, expect, it } from 'vitest'
import { defineConfig, embedded } from '../../src/declare/config.ts'
import { postgresSink } from '../../src/declare/postgres-sink.ts'
import { postgresSource } from '../../src/declare/postgres-source.ts'
import { secret } from '../../src/declare/secret.ts'
import { nearest, shapeProblems } from '../../src/declare/shape.ts'
import { sync } from '../../src/declare/sync.ts'
import { table } from '../../src/declare/table.ts'
import { orders } from '../support/project-folder.ts'

const to = postgresSink({ url: 'postgres://sync@db/billing', password: secret('X') })
const from = { orders: table<{ id: bigint; status: string }, 'id'>(orders) }
// What the compiler would refuse, as it comes from plain JavaScript.
const untyped = (options: unknown) => options as never
const said = (declaration: unknown) => shapeProblems(declaration).map(({ field, reason }) => `${field}: ${reason}`)

describe('the form of a declaration', () => {
  it('has nothing wrong when it is what the types ask for', () => {
    expect(
      said(sync({ from, to, tables: { orders: { where: ({ status }) => status !== 'draft', as: 'o' } } })),
    ).toEqual([])
    expect(said(defineConfig({ databases: { shop: embedded({ sql: 'x' }) }, kafka: { brokers: ['a:1'] } }))).toEqual([])
  })

  it('tells every field that is missing, unknown or ill-typed', () => {
    expect(
      said(sync(untyped({ from: {}, to: {}, tables: { orders: { wehre: 1, columns: [] } }, truncate: 'drop' }))),
    ).toEqual([
      'from: must name at least one table',
      'to.kind: invalid input: expected "postgres-sink"',
      "to.password: must be a secret: secret('NAME')",
      'tables.orders.columns: must name at least one column',
      'tables.orders.wehre: is not known; did you mean where?',
      'truncate: invalid option: expected one of "apply"|"ignore"|"stop"',
    ])
    expect(said(sync(untyped({ from: { orders: 7 }, to })))).toEqual(['from.orders: must be a table of schemas/'])
    expect(
      said(postgresSource(untyped({ password: secret('X'), tables: ['a.b'], slot: 'My-Slot', historyDays: 0 }))),
    ).toEqual([
      'slot: must be lower-case letters, digits and underscores, at most 63',
      'historyDays: must be greater than zero',
    ])
    expect(said(defineConfig(untyped({ connect: { url: 'nowhere', secret: 'fixed' } })))).toEqual([
      'connect.url: must be a URL',
      'connect.secret: must hold {name}',
    ])
  })

  it('is none of a value that is no declaration', () => {
    expect(said({ kind: 'sync' })).toEqual([': is not a declaration'])
    expect(said(null)).toEqual([': is not a declaration'])
  })
})

it('the nearest name is one that could have been meant, or none', () => {
  const names = ['customers', 'orders', 'id']
  expect(nearest('custmers', names)).toBe('customers')
  expect(nearest('ORDERS', names)).toBe('orders')
  expect(nearest('payments', names)).toBeUndefined()
})
