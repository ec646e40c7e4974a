import { describe, expect, test } from 'vitest'
import { compareContracts } from '../../src/contract/compare.ts'
import { column, contract, customersContract, ordersContract } from '../support/contracts.ts'

function changed(older: Parameters<typeof compareContracts>[0], newer: Parameters<typeof compareContracts>[1]) {
  return compareContracts(older, newer).map(({ kind, text }) => `${kind}: ${text}`)
}

describe('two readings of a database', () => {
  test('of the same tables differ in nothing', () => {
    expect(changed([customersContract, ordersContract], [ordersContract, customersContract])).toEqual([])
  })

  test('differ in tables', () => {
    expect(changed([customersContract], [ordersContract])).toEqual([
      'table-removed: public.customers was removed',
      'table-added: public.order_lines was added',
    ])
  })

  test('differ in everything a table has', () => {
    const mood = (values: string[]) => ({
      name: 'enum' as const,
      array: false,
      enum: { schema: 'public', name: 'mood', values },
    })
    const older = contract('t', [
      column('id', 'int4'),
      column('gone', 'text'),
      column('n', { name: 'numeric', array: false, precision: 12, scale: 2 }),
      column('mood', mood(['sad', 'ok'])),
      column('order', mood(['a', 'b'])),
      column('note', 'text', { unchangeable: true }),
    ])
    const newer = contract(
      't',
      [
        column('id', 'int8'),
        column('n', { name: 'numeric', array: false, precision: 14, scale: 2 }, { nullable: true }),
        column('mood', mood(['sad', 'happy'])),
        column('order', mood(['b', 'a'])),
        column('note', 'text'),
        column('tags', { name: 'text', array: true }),
      ],
      {
        key: ['id', 'n'],
        replicaIdentity: 'full',
        uniques: [['n']],
        foreignKeys: [{ name: 'x', columns: ['n'], references: { schema: 'public', table: 'o', columns: ['id'] } }],
      },
    )
    expect(changed([older], [newer])).toEqual([
      'column-type: public.t.id is int8 instead of int4',
      'column-removed: public.t.gone was removed',
      'column-type: public.t.n is numeric(14,2) instead of numeric(12,2)',
      'column-nullable: public.t.n can be null now',
      'column-type: public.t.mood has other enum labels: -ok, +happy',
      'column-type: public.t.order has other enum labels: their order changed',
      'column-unchangeable: public.t.note is in every update now',
      'column-added: public.t.tags was added: text[] NOT NULL',
      'key: public.t has the primary key (id, n) instead of (id)',
      'replica-identity: public.t has REPLICA IDENTITY FULL now',
      'foreign-keys: public.t has other foreign keys: +(n) to public.o (id)',
      'uniques: public.t has other unique constraints: +(n)',
    ])
  })
})
