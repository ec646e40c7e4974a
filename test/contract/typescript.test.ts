import { describe, expect, test } from 'vitest'
import { typescriptModule } from '../../src/contract/typescript.ts'
import { archivedCustomersContract, column, contract, customersContract, ordersContract } from '../support/contracts.ts'

const shop = [customersContract, ordersContract, archivedCustomersContract]

describe('the generated module', () => {
  test('is the committed one', async () => {
    // The type tests compile against this file, so that it is known to be TypeScript and to mean what it says.
    await expect(typescriptModule('shop', shop)).toMatchFileSnapshot('./goldens/shop.ts')
  })

  test('does not depend on the order of the contracts', () => {
    expect(typescriptModule('shop', shop.toReversed())).toBe(typescriptModule('shop', shop))
  })

  test('names tables of one name after their schemas', () => {
    const text = typescriptModule('shop', shop)
    expect(text).toContain('export const publicCustomers = table<PublicCustomers,')
    expect(text).toContain('export const archiveCustomers = table<ArchiveCustomers,')
    expect(text).toContain('export const orderLines = table<OrderLines,')
  })

  test('numbers names that stay the same, and avoids words of the language', () => {
    const text = typescriptModule('shop', [
      contract('a_b', [column('id', 'int4')]),
      contract('a-b', [column('id', 'int4')]),
      contract('AB', [column('id', 'int4')]),
      contract('delete', [column('id', 'int4')]),
      contract('2024', [column('id', 'int4')]),
      contract('table', [column('id', 'int4')]),
    ])
    expect(text.match(/export const (\w+)/g)).toEqual([
      'export const t2024',
      'export const publicAB',
      'export const publicAB2',
      'export const publicAB3',
      'export const deleteTable',
      'export const table2',
    ])
  })

  test('lets no name of the database become code', () => {
    const evil = "*/ '); process.exit(1) //\n\u2028"
    const text = typescriptModule('shop', [contract(evil, [column('id', 'int4'), column(evil, 'text')])])
    expect(text).toContain("/** The table public.*\\/ '); process.exit(1) // . */")
    expect(text).not.toContain('\u2028')
    expect(text).toContain("\\'); process.exit(1) //\\n\\u2028'")
  })
})
