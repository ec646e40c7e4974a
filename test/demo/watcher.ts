import type { Client } from 'pg'
import { tornInvariants } from '../support/shop-check.ts'

/** Watches billing's copy while business goes on: how far it is, how late it is, and whether it was ever torn. */
export class Watcher {
  readonly #shop: Client
  readonly #billing: Client
  readonly #probe: Client
  readonly #torn: string[] = []
  #transactionsWritten = 0
  #reads = 0
  #running = false
  #loop: Promise<void> = Promise.resolve()
  #lag = ''

  /** `probe` is a connection of its own, so that reading the invariants never waits for anything else. */
  constructor(shop: Client, billing: Client, probe: Client) {
    this.#shop = shop
    this.#billing = billing
    this.#probe = probe
  }

  written(): void {
    this.#transactionsWritten++
  }

  /** Reads the invariants over and over until `stop`. */
  start(): void {
    this.#running = true
    this.#loop = this.#watch()
  }

  async stop(): Promise<{ sentences: readonly string[]; reads: number }> {
    this.#running = false
    await this.#loop
    return { sentences: this.#torn, reads: this.#reads }
  }

  line(): string {
    return `  ${this.#transactionsWritten.toLocaleString('en')} transactions committed in the shop · billing ${this.#lag} · ${this.#reads} reads, ${this.#torn.length} torn`
  }

  async appliedLsn(): Promise<string | null> {
    const { rows } = await this.#billing.query(
      `SELECT applied_lsn::text AS lsn FROM millrace.positions WHERE sync = 'billing-copy'`,
    )
    return rows[0]?.lsn ?? null
  }

  /** Resolves when everything committed in the shop before the call is in billing. */
  async untilCaughtUp(timeoutMs: number): Promise<void> {
    const { rows } = await this.#shop.query('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    const target = parseLsn(rows[0].lsn)
    // Nothing may follow in the shop by itself; a commit of our own makes sure that the log passes the point.
    await this.#shop.query(`SELECT pg_logical_emit_message(true, 'demo', 'caught up?')`)
    const deadline = Date.now() + timeoutMs
    while (Date.now() < deadline) {
      const lsn = await this.appliedLsn()
      if (lsn !== null && parseLsn(lsn) >= target) return
      await sleep(20)
    }
    throw new Error(
      `billing did not reach ${rows[0].lsn} within ${timeoutMs / 1000} s; it is at ${await this.appliedLsn()}`,
    )
  }

  /** Milliseconds until what the shop commits from now on has reached billing. */
  async recovery(): Promise<number> {
    const started = Date.now()
    await this.untilCaughtUp(120_000)
    return Date.now() - started
  }

  /**
   * Commit in the shop to commit in billing, from the commit timestamps that both servers keep. Same machine, same clock.
   */
  async latency(): Promise<{ count: number; p50: number; p99: number }> {
    await this.untilCaughtUp(30_000)
    const [source, target] = await Promise.all(
      [
        { client: this.#shop, table: 'public.payments' },
        { client: this.#billing, table: 'shop.payments' },
      ].map(({ client, table }) =>
        client.query(
          `SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000 AS at FROM ${table} WHERE pg_xact_commit_timestamp(xmin) IS NOT NULL`,
        ),
      ),
    )
    const committed = new Map<string, number>(source?.rows.map((row) => [row.id, Number(row.at)]))
    const delays = (target?.rows ?? [])
      .flatMap((row) => (committed.has(row.id) ? [Number(row.at) - (committed.get(row.id) ?? 0)] : []))
      .sort((a, b) => a - b)
    const at = (share: number) => Math.round((delays[Math.floor(delays.length * share)] ?? Number.NaN) * 10) / 10
    return { count: delays.length, p50: at(0.5), p99: at(0.99) }
  }

  async #watch(): Promise<void> {
    while (this.#running) {
      const torn = await tornInvariants(this.#probe)
      if (torn !== null) {
        this.#reads++
        this.#torn.push(...torn)
      }
      const { rows } = await this.#probe.query(
        `SELECT round(extract(epoch FROM clock_timestamp() - committed_at), 2) AS behind FROM millrace.positions WHERE sync = 'billing-copy'`,
      )
      this.#lag = rows[0]?.behind === null ? 'is loading' : `shows the shop of ${rows[0]?.behind} s ago`
      await sleep(25)
    }
  }
}

function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
