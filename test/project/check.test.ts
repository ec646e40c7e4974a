import { afterEach, describe, expect, it } from 'vitest'
import { checkProject } from '../../src/project/check.ts'
import {
  customers,
  orders,
  type ProjectFolder,
  projectFolder,
  schemaFiles,
  shopFiles,
} from '../support/project-folder.ts'

let project: ProjectFolder | undefined

afterEach(async () => {
  await project?.remove()
  project = undefined
})

async function check(changes: Readonly<Record<string, string>>, hasSecret?: (name: string) => boolean) {
  await project?.remove()
  project = await projectFolder({ ...shopFiles, ...changes })
  return checkProject(await project.load(), hasSecret)
}

const codes = async (changes: Readonly<Record<string, string>>) =>
  (await check(changes)).map(({ file, field, code }) => [file, field, code].join(' '))

const source = (options: string) => `import { postgresSource, secret } from 'millrace'
export default postgresSource({ password: secret('SHOP_PASSWORD'), ${options} })
`
const sync = (options: string, to = "database: 'billing', user: 'sync', schema: 'shop'") => `
import { postgresSink, secret, sync } from 'millrace'
import { customers, orders } from '../schemas/shop.js'
export default sync({
  from: { customers, orders }, to: postgresSink({ ${to}, password: secret('BILLING_PASSWORD') }), ${options}
})
`

describe('check', () => {
  it('has nothing against a sound project', async () => {
    expect(await check({})).toEqual([])
  })

  it('warns of secrets without a value', async () => {
    const problems = await check({}, (name) => name === 'SHOP_PASSWORD')
    expect(problems.map(({ severity, code, file }) => [severity, code, file])).toEqual([
      ['warning', 'SECRET_MISSING', 'connectors/archive.json'],
      ['warning', 'SECRET_MISSING', 'processors/billing-copy.ts'],
    ])
  })

  it('reports all problems of all declarations at once', async () => {
    expect(
      await codes({
        'connectors/shop.ts': source(
          "database: 'shopp', user: 'capture', tables: ['public.customers', 'public.customers', 'public.nothing']",
        ),
        'processors/billing-copy.ts': sync(
          "tables: { customers: { columns: ['name', 'emial'] }, order: { as: 'purchases' } }",
        ),
      }),
    ).toEqual([
      'connectors/shop.ts database DATABASE_UNKNOWN',
      'connectors/shop.ts tables[1] TABLE_TWICE',
      'connectors/shop.ts tables[2] TABLE_UNTYPED',
      'processors/billing-copy.ts from.orders TABLE_NOT_CAPTURED',
      'processors/billing-copy.ts tables.customers.columns COLUMN_KEY_MISSING',
      'processors/billing-copy.ts tables.customers.columns COLUMN_UNKNOWN',
      'processors/billing-copy.ts tables.order SYNC_ENTRY_UNKNOWN',
    ])
  })

  it('says where an address is incomplete, and repeats no password in it', async () => {
    const urls = {
      "url: 'postgres://capture:hunter2@db/shop'": 'holds a password',
      "url: 'mysql://capture@db/shop'": 'is no postgres:// address',
      "url: 'postgres://db/shop'": 'names no user',
      "url: 'postgres://capture@db'": 'names no database',
      "database: 'shop'": 'is missing',
      "url: 'postgres://capture@db/shop', database: 'shop'": 'say two places',
    }
    for (const [address, reason] of Object.entries(urls)) {
      const problems = await check({
        'connectors/shop.ts': source(`${address}, tables: ['public.customers', 'public.orders']`),
      })
      expect(problems.map(({ code }) => code)).toEqual(['ADDRESS_INCOMPLETE'])
      expect(problems[0]!.message).toContain(reason)
      expect(JSON.stringify(problems)).not.toContain('hunter2')
    }
  })

  it('refuses Debezium properties that a guarantee rests on, each by name', async () => {
    const problems = await check({
      'connectors/shop.ts':
        source(`database: 'shop', user: 'capture', tables: ['public.customers', 'public.orders'], debezium: {
        'max.batch.size': '1', 'tombstones.on.delete': 'true', 'transforms.mine.type': 'X', 'slot.drop.on.stop': 'true',
        'producer.override.compression.type': 'lz4', 'topic.creation.default.partitions': '4', 'snapshot.fetch.size': '10' }`),
    })
    expect(problems.map(({ field }) => field)).toEqual([
      'debezium.producer.override.compression.type',
      'debezium.slot.drop.on.stop',
      'debezium.tombstones.on.delete',
      'debezium.topic.creation.default.partitions',
      'debezium.transforms.mine.type',
    ])
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['DEBEZIUM_PROPERTY']))
  })

  it('refuses two captures of one database, and of one slot', async () => {
    const tables = "tables: ['public.customers', 'public.orders']"
    expect(
      await codes({
        'connectors/shop.ts': source(`url: 'postgres://capture@db/shop', slot: 'one', ${tables}`),
        'connectors/shop2.ts': source(`url: 'postgres://other@db:5432/shop', ${tables}`),
        'connectors/shop3.ts': source(`url: 'postgres://other@elsewhere/shop', slot: 'one', ${tables}`),
        ...schemaFiles(
          'shop2',
          [customers, orders].map((table) => ({ ...table, source: 'shop2' })),
        ),
        ...schemaFiles(
          'shop3',
          [customers, orders].map((table) => ({ ...table, source: 'shop3' })),
        ),
      }),
    ).toEqual(['connectors/shop2.ts database SOURCE_SHARED', 'connectors/shop3.ts slot SOURCE_SHARED'])
  })

  it('refuses two writers of one table, also inside one sync', async () => {
    expect(
      await codes({
        'processors/other.ts': sync("tables: { orders: { as: 'customers', foreignKeys: 'omit' } }"),
      }),
    ).toEqual(['processors/other.ts from.customers TARGET_TAKEN', 'processors/other.ts from.orders TARGET_TAKEN'])
  })

  it('refuses tables of two sources in one sync, and of a source that nothing captures', async () => {
    expect(
      await codes({
        ...schemaFiles('stock', [{ ...orders, source: 'stock', foreignKeys: [] }]),
        'processors/billing-copy.ts': sync('').replace(
          "import { customers, orders } from '../schemas/shop.js'",
          "import { customers } from '../schemas/shop.js'\nimport { orders } from '../schemas/stock.js'",
        ),
      }),
    ).toEqual(['processors/billing-copy.ts from SYNC_SOURCES', 'processors/billing-copy.ts from.orders SOURCE_UNKNOWN'])
  })

  it('refuses a foreign key to rows that `where` filters away, unless it is left out', async () => {
    const filtered = "customers: { columns: ['id', 'name'], where: customer => customer.id > 5n }"
    expect(await codes({ 'processors/billing-copy.ts': sync(`tables: { ${filtered} }`) })).toEqual([
      'processors/billing-copy.ts tables.orders.foreignKeys FOREIGN_KEY_FILTERED',
    ])
    for (const way of ["foreignKeys: 'omit'", "columns: ['id', 'status']", 'row: ({ id }) => ({ id })']) {
      expect(
        await codes({ 'processors/billing-copy.ts': sync(`tables: { ${filtered}, orders: { ${way} } }`) }),
      ).toEqual([])
    }
  })

  it('refuses `where` and `row` on a column that an update may leave out', async () => {
    expect(
      await codes({
        'processors/billing-copy.ts': sync(
          "tables: { customers: { columns: ['id', 'name'], where: c => c.notes === null }, orders: { foreignKeys: 'omit' } }",
        ),
      }),
    ).toEqual(['processors/billing-copy.ts tables.customers.where UNCHANGED_READ'])
  })

  it('refuses tables whose columns become one name in the log, and types it cannot carry', async () => {
    const column = customers.columns[1]!
    const odd = {
      ...customers,
      columns: [
        ...customers.columns,
        { ...column, name: 'a-b' },
        { ...column, name: 'a_b' },
        { ...column, name: 'place', type: { name: 'point' as never, array: false } },
        { ...column, name: 'flags', type: { name: 'bool' as const, array: true }, unchangeable: true },
      ],
    }
    expect(await codes(schemaFiles('shop', [odd, orders]))).toEqual([
      'connectors/shop.ts tables CONTRACT_NAME_COLLISION',
      'connectors/shop.ts tables CONTRACT_TYPE_UNSUPPORTED',
      'connectors/shop.ts tables CONTRACT_UNCHANGED_UNREADABLE',
    ])
  })

  it('asks for `millrace types` where a source has no contracts yet', async () => {
    const problems = await check({
      'connectors/stock.ts': source("url: 'postgres://capture@db/stock', tables: ['public.items']"),
    })
    expect(problems.map(({ code }) => code)).toEqual(['SOURCE_UNTYPED', 'TABLE_UNTYPED'])
    for (const { remedy } of problems) expect(remedy).toContain('millrace types stock')
  })
})
