import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contractFile, contractPath, parseContract, rowSchema } from '../../src/contract/avsc.ts'
import { type ColumnType, scalarTypes, type TableContract } from '../../src/contract/table.ts'
import { archivedCustomersContract, column, contract, customersContract, ordersContract } from '../support/contracts.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 })

const typeArbitrary: fc.Arbitrary<ColumnType> = fc
  .record({ name: fc.constantFrom(...scalarTypes), array: fc.boolean(), precision: fc.integer({ min: 1, max: 1000 }) })
  .chain(({ name: type, array, precision }) => {
    if (type === 'enum') {
      return fc.record({ schema: name, name, values: fc.uniqueArray(name, { maxLength: 4 }) }).map((labels) => ({
        name: type,
        array,
        enum: labels,
      }))
    }
    if (type === 'numeric') {
      return fc.constantFrom<ColumnType>(
        { name: type, array },
        { name: type, array, precision, scale: Math.floor(precision / 2) },
        { name: type, array, precision: 3, scale: -2 },
        { name: type, array, precision: 3, scale: 5 },
      )
    }
    if (type === 'varchar') return fc.constantFrom<ColumnType>({ name: type, array }, { name: type, array, length: 7 })
    return fc.constant<ColumnType>({ name: type, array })
  })

const contractArbitrary: fc.Arbitrary<TableContract> = fc
  .record({
    source: fc.constantFrom('shop', 'teams/shop-2'),
    schema: name,
    table: name,
    columns: fc.uniqueArray(
      fc.record({ name, type: typeArbitrary, nullable: fc.boolean(), unchangeable: fc.boolean() }),
      { selector: (own) => own.name, minLength: 1, maxLength: 6 },
    ),
    replicaIdentity: fc.constantFrom('default' as const, 'full' as const),
    foreignKeys: fc.array(
      fc.record({ name, columns: names, references: fc.record({ schema: name, table: name, columns: names }) }),
      { maxLength: 2 },
    ),
    uniques: fc.array(names, { maxLength: 2 }),
  })
  .map((table) => ({ ...table, key: [table.columns[0]!.name] }))

describe('a contract file', () => {
  test('restores the contract it was written from, whatever the names', () => {
    fc.assert(
      fc.property(contractArbitrary, (table) => {
        expect(parseContract(contractFile(table), 'x.avsc')).toEqual(table)
        expect(contractFile(parseContract(contractFile(table), 'x.avsc'))).toBe(contractFile(table))
      }),
    )
  })

  test('is an Avro schema, whatever the names', () => {
    fc.assert(
      fc.property(contractArbitrary, (table) => {
        expect(() => avsc.Type.forSchema(rowSchema(table) as avsc.Schema, { wrapUnions: true })).not.toThrow()
      }),
    )
  })

  test.each([customersContract, ordersContract, archivedCustomersContract])(
    'of $schema.$table is the committed one',
    async (table) => {
      await expect(contractFile(table)).toMatchFileSnapshot(`./goldens/${table.schema}.${table.table}.avsc`)
    },
  )

  test('has a place that no name can lead out of', () => {
    const path = (schema: string, table: string) => contractPath({ source: 'shop', schema, table })
    expect(path('public', 'orders')).toBe('schemas/shop/public.orders.avsc')
    expect(path('We ird', 'Or-der')).toBe('schemas/shop/We ird.Or-der.avsc')
    expect(path('..', '../../etc/passwd')).toBe('schemas/shop/%2E%2E.%2E%2E%2F%2E%2E%2Fetc%2Fpasswd.avsc')
    expect(path('a.b', 'c')).not.toBe(path('a', 'b.c'))
  })

  test.each([
    ['{', 'it is not JSON'],
    ['[]', 'the file: it is missing'],
    ['{}', 'millrace: it is missing'],
    [contractFile(customersContract).replace('"id"', '"nope"'), 'millrace.key: there is no column nope'],
    [
      contractFile(customersContract).replace('"type": "bool"', '"type": "money"'),
      'vip: money is not a type of contracts',
    ],
    [contractFile(customersContract).replace('"default"', '"nothing"'), 'millrace.replicaIdentity: not nothing'],
  ])('that is none is refused by name: %#', (text, reason) => {
    expect(() => parseContract(text, 'schemas/shop/public.customers.avsc')).toThrow(
      `schemas/shop/public.customers.avsc is not a row contract: ${reason}`,
    )
  })

  test('keeps columns apart whose names become one in Avro', () => {
    const table = contract('t', [column('id', 'int4'), column('a-b', 'int4'), column('a b', 'int4')])
    expect((rowSchema(table) as { fields: { name: string }[] }).fields.map((own) => own.name)).toEqual([
      'id',
      'a_b',
      'a_b_2',
    ])
  })
})
