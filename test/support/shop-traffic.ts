import type { Client } from 'pg'

/** One kind of business the shop does, as one transaction. */
type Deed = (client: Client, random: () => number) => Promise<void>

export interface TrafficCount {
  transactions: number
  byDeed: Record<string, number>
}

/** Fills the shop with customers and products, in a few transactions. */
export async function stockShop(client: Client, options: { customers: number; products: number }): Promise<void> {
  await client.query(
    `INSERT INTO customers (name, email, notes)
     SELECT 'Customer ' || n, 'customer' || n || '@example.org', repeat(md5(n::text), 120) FROM generate_series(1, $1) AS n`,
    [options.customers],
  )
  await client.query('BEGIN')
  await client.query(
    `INSERT INTO products (sku, name, price, description)
     SELECT 'SKU-' || n, 'Product ' || n, 1 + (n * 37 % 9900) / 100.0,
            (SELECT string_agg(md5(n::text || i::text), ' ') FROM generate_series(1, 200) AS i)
     FROM generate_series(1, $1) AS n`,
    [options.products],
  )
  await client.query('INSERT INTO stock (sku, on_hand) SELECT sku, 100000 FROM products')
  await client.query('COMMIT')
}

/**
 * Does `transactions` pieces of business, spread over time. Every one keeps the shop's invariants: what is in stock and what is
 * in orders add up, an order's net is the sum of its items, what is paid is what is owed.
 */
export async function runTraffic(
  client: Client,
  options: { transactions: number; perSecond: number; random: () => number; signal?: AbortSignal; onDone?: () => void },
): Promise<TrafficCount> {
  const count: TrafficCount = { transactions: 0, byDeed: {} }
  const started = performance.now()
  for (let n = 0; n < options.transactions && options.signal?.aborted !== true; n++) {
    const [name, deed] = choose(options.random)
    await client.query('BEGIN')
    try {
      await deed(client, options.random)
      await client.query('COMMIT')
      count.transactions++
      count.byDeed[name] = (count.byDeed[name] ?? 0) + 1
      options.onDone?.()
    } catch (error) {
      await client.query('ROLLBACK')
      if (!isSerialization(error)) throw error
    }
    const ahead = (n + 1) * (1000 / options.perSecond) - (performance.now() - started)
    if (ahead > 1) await new Promise((resolve) => setTimeout(resolve, ahead))
  }
  return count
}

const deeds: readonly (readonly [weight: number, name: string, deed: Deed])[] = [
  [34, 'order', placeOrder],
  [6, 'draft', draftOrder],
  [22, 'payment', payOrder],
  [10, 'shipment', shipOrder],
  [6, 'cancellation', cancelOrder],
  [9, 'price change', changePrice],
  [5, 'description change', changeDescription],
  [4, 'address change', changeCustomer],
  [2, 'renamed product', renameProduct],
  [2, 'abandoned basket', abandonBasket],
]
const weights = deeds.reduce((sum, [weight]) => sum + weight, 0)

function choose(random: () => number): readonly [string, Deed] {
  let at = random() * weights
  for (const [weight, name, deed] of deeds) {
    at -= weight
    if (at < 0) return [name, deed]
  }
  return ['order', placeOrder]
}

async function placeOrder(client: Client, random: () => number): Promise<void> {
  const order = await newOrder(client, random, 'placed')
  const lines = 1 + Math.floor(random() * 5)
  for (let line = 1; line <= lines; line++) {
    await client.query(
      `WITH taken AS (
         UPDATE stock SET on_hand = on_hand - $3
         WHERE sku = (SELECT sku FROM products ORDER BY sku OFFSET floor($4::float8 * (SELECT count(*) FROM products)) LIMIT 1)
         RETURNING sku)
       INSERT INTO order_items (order_id, line, sku, quantity, price)
       SELECT $1, $2, sku, $3, price FROM products JOIN taken USING (sku)`,
      [order, line, 1 + Math.floor(random() * 4), random()],
    )
  }
  await client.query(
    `UPDATE orders SET (net, tax) = (SELECT sum(price * quantity), round(sum(price * quantity) * 0.19, 2) FROM order_items WHERE order_id = $1)
     WHERE id = $1`,
    [order],
  )
}

async function draftOrder(client: Client, random: () => number): Promise<void> {
  await newOrder(client, random, 'draft')
}

async function newOrder(client: Client, random: () => number, status: string): Promise<string> {
  const { rows } = await client.query(
    `INSERT INTO orders (customer_id, status, placed_at)
     SELECT id, $1, clock_timestamp() FROM customers ORDER BY id OFFSET floor($2::float8 * (SELECT count(*) FROM customers)) LIMIT 1 RETURNING id`,
    [status, random()],
  )
  return rows[0].id
}

async function payOrder(client: Client, random: () => number): Promise<void> {
  const method = ['card', 'invoice', 'voucher'][Math.floor(random() * 3)]
  await client.query(
    `WITH settled AS (
       UPDATE orders SET status = 'paid'
       WHERE id = (SELECT id FROM orders WHERE status = 'placed' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, net + tax AS total)
     INSERT INTO payments (order_id, amount, method, details)
     SELECT id, total, $1, jsonb_build_object('reference', $2::text) FROM settled`,
    [method, `R${Math.floor(random() * 1e9)}`],
  )
}

async function shipOrder(client: Client): Promise<void> {
  await client.query(
    `UPDATE orders SET status = 'shipped'
     WHERE id = (SELECT id FROM orders WHERE status = 'paid' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)`,
  )
}

/** An unpaid order is cancelled: its items go back to stock and are deleted. */
async function cancelOrder(client: Client): Promise<void> {
  const { rows } = await client.query(
    `UPDATE orders SET status = 'cancelled', net = 0, tax = 0
     WHERE id = (SELECT id FROM orders WHERE status = 'placed' ORDER BY id DESC LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id`,
  )
  if (rows[0] === undefined) return
  await client.query(
    `UPDATE stock SET on_hand = on_hand + back.quantity
     FROM (SELECT sku, sum(quantity) AS quantity FROM order_items WHERE order_id = $1 GROUP BY sku) AS back WHERE stock.sku = back.sku`,
    [rows[0].id],
  )
  await client.query('DELETE FROM order_items WHERE order_id = $1', [rows[0].id])
}

async function changePrice(client: Client, random: () => number): Promise<void> {
  await client.query(
    `UPDATE products SET price = round(price * $1::numeric, 2), updated_at = clock_timestamp()
     WHERE sku = (SELECT sku FROM products ORDER BY sku OFFSET floor($2::float8 * (SELECT count(*) FROM products)) LIMIT 1)`,
    [0.9 + random() * 0.2, random()],
  )
}

async function changeDescription(client: Client, random: () => number): Promise<void> {
  await client.query(
    `UPDATE products SET description = (SELECT string_agg(md5(random()::text), ' ') FROM generate_series(1, 200))
     WHERE sku = (SELECT sku FROM products ORDER BY sku OFFSET floor($1::float8 * (SELECT count(*) FROM products)) LIMIT 1)`,
    [random()],
  )
}

async function changeCustomer(client: Client, random: () => number): Promise<void> {
  await client.query(
    `UPDATE customers SET email = 'moved' || id || '-' || $1::text || '@example.org', vip = NOT vip
     WHERE id = (SELECT id FROM customers ORDER BY id OFFSET floor($2::float8 * (SELECT count(*) FROM customers)) LIMIT 1)`,
    [Math.floor(random() * 1e9), random()],
  )
}

/** A primary key changes, and with it every row that points at it. */
async function renameProduct(client: Client, random: () => number): Promise<void> {
  await client.query(
    `UPDATE products SET sku = 'SKU-' || $1::text
     WHERE sku = (SELECT sku FROM products ORDER BY sku OFFSET floor($2::float8 * (SELECT count(*) FROM products)) LIMIT 1)`,
    [`R${Math.floor(random() * 1e12)}`, random()],
  )
}

async function abandonBasket(client: Client): Promise<void> {
  await client.query(
    `DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE status = 'draft' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)`,
  )
}

function isSerialization(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === '40001' || code === '40P01'
}
