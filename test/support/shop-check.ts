import type { Client } from 'pg'

/**
 * What must hold in billing's copy at every moment, because it holds in the shop after every transaction. Any torn transaction
 * breaks one of them. One statement, so that all are read from one snapshot.
 */
const invariants = `
  SELECT (SELECT coalesce(sum(on_hand), 0) FROM shop.stock) + (SELECT coalesce(sum(quantity), 0) FROM shop.order_items) AS pieces,
         (SELECT count(*) FROM shop.stock) * 100000 AS expected,
         (SELECT count(*) FROM shop.orders AS o
          WHERE o.net <> (SELECT coalesce(sum(i.price * i.quantity), 0) FROM shop.order_items AS i WHERE i.order_id = o.id)) AS nets_wrong,
         (SELECT count(*) FROM shop.orders AS o
          WHERE o.status IN ('paid', 'shipped') IS DISTINCT FROM EXISTS (SELECT FROM shop.payments AS p WHERE p.order_id = o.id AND p.amount = o.total)) AS payments_wrong,
         (SELECT count(*) FROM shop.products FULL JOIN shop.stock USING (sku) WHERE products.name IS NULL OR stock.on_hand IS NULL) AS stock_wrong,
         (SELECT applied_lsn::text FROM millrace.positions WHERE sync = 'billing-copy') AS lsn`

/** Reads billing's copy once; the sentences say what is torn. Null while the copy is being loaded. */
export async function tornInvariants(billing: Client): Promise<string[] | null> {
  const { rows } = await billing.query(invariants)
  const seen = rows[0]
  if (seen.lsn === null) return null
  const torn: string[] = []
  if (seen.pieces !== seen.expected)
    torn.push(`at ${seen.lsn}: stock and items add up to ${seen.pieces}, not ${seen.expected}`)
  if (seen.nets_wrong !== '0')
    torn.push(`at ${seen.lsn}: ${seen.nets_wrong} orders whose net is not the sum of their items`)
  if (seen.payments_wrong !== '0')
    torn.push(`at ${seen.lsn}: ${seen.payments_wrong} orders whose payment does not match`)
  if (seen.stock_wrong !== '0')
    torn.push(`at ${seen.lsn}: ${seen.stock_wrong} products without stock or stock without product`)
  return torn
}

/** What each target must hold, said in SQL on the source: independent of the code under test. */
const images: readonly {
  readonly table: string
  readonly key: string
  readonly source: string
  readonly target: string
}[] = [
  image('customers', 'id', 'id, name, email'),
  image('products', 'sku', 'sku, name, price, description, updated_at'),
  image('stock', 'sku', 'sku, on_hand'),
  {
    table: 'orders',
    key: 'id',
    source: `SELECT id, customer_id, status::text, net, tax, placed_at, trim_scale(net + tax) AS total FROM public.orders WHERE status <> 'draft'`,
    target: 'SELECT id, customer_id, status::text, net, tax, placed_at, trim_scale(total) AS total FROM shop.orders',
  },
  image('order_items', 'order_id, line', 'order_id, line, sku, quantity, price'),
  image('payments', 'id', 'id, order_id, amount, method::text, details, paid_at'),
]

function image(table: string, key: string, columns: string) {
  return {
    table,
    key,
    source: `SELECT ${columns} FROM public.${table}`,
    target: `SELECT ${columns} FROM shop.${table}`,
  }
}

export interface Comparison {
  readonly table: string
  readonly rows: number
  /** Rows that differ, at most ten, as `key: source <> target`. */
  readonly differences: readonly string[]
}

/** Compares both databases row by row. Call it when nothing is being written. */
export async function compareShop(shop: Client, billing: Client): Promise<Comparison[]> {
  const result: Comparison[] = []
  for (const { table, key, source, target } of images) {
    const read = async (client: Client, sql: string) => {
      const { rows } = await client.query(
        `SELECT row(${key})::text AS key, t::text AS image FROM (${sql}) AS t ORDER BY row(${key})::text COLLATE "C"`,
      )
      return new Map<string, string>(rows.map((row) => [row.key, row.image]))
    }
    await Promise.all([shop, billing].map((client) => client.query(`SET TIME ZONE 'UTC'`)))
    const [expected, actual] = [await read(shop, source), await read(billing, target)]
    const differences: string[] = []
    for (const row of new Set([...expected.keys(), ...actual.keys()])) {
      if (expected.get(row) === actual.get(row)) continue
      if (differences.length < 10) {
        differences.push(`${row}: ${clip(expected.get(row))} <> ${clip(actual.get(row))}`)
      }
    }
    result.push({ table, rows: expected.size, differences })
  }
  return result
}

function clip(text: string | undefined): string {
  if (text === undefined) return 'absent'
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
