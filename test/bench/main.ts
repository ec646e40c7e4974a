/**
 * `npm run bench -- catch-up`: figures of the sync on the real parts, on the machine at hand. Absolute figures of one machine: they say
 * what to expect, not who is faster.
 *
 *   catch-up  a backlog of 300,000 captured changes into Postgres, then one transaction of a million rows
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRealParts } from '../real/parts.ts'
import { eventually, Scenario, type Worker } from '../real/scenario.ts'

const source = `
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status varchar(10) NOT NULL, net numeric(12,2) NOT NULL, tax numeric(12,2) NOT NULL, placed_at timestamptz NOT NULL);`

const [which = 'catch-up'] = process.argv.slice(2)
if (which !== 'catch-up') {
  process.stderr.write(`There is no bench ${which}; there is: catch-up.\n`)
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const parts = await startRealParts(folder)
process.env.MILLRACE_PARTS_FILE = parts.file
const world = await Scenario.make({ source, tables: ['public.orders'], handles: ['orders'], sync: 'from: { orders },' })
try {
  await world.millrace('apply --yes')
  let worker = world.startWorker()
  await world.caughtUp()
  await worker.kill('SIGTERM')

  say('writing 300,000 changes: 200,000 inserts, 100,000 updates, 20 rows a transaction')
  const written = Date.now()
  await world.source.query(`DO $$ BEGIN
    FOR n IN 0..9999 LOOP
      INSERT INTO orders SELECT n * 20 + i, i, 'placed', n * 1.25, n * 0.24, clock_timestamp() FROM generate_series(1, 20) AS i;
      COMMIT;
      IF n % 2 = 0 THEN UPDATE orders SET status = 'paid', tax = tax + 1 WHERE id BETWEEN n * 20 + 1 AND n * 20 + 20; COMMIT; END IF;
    END LOOP; END $$`)
  await captured()
  say(`captured after ${seconds(written)}`)
  worker = world.startWorker()
  const first = await position()
  await eventually('the first commit', 60_000, async () => ((await position()) > first ? true : undefined))
  const started = Date.now()
  await world.caughtUp(300_000)
  const took = Date.now() - started
  const rate = Math.round(300_000 / (took / 1000))
  const rss = peakMb(worker)
  say(`applied in ${(took / 1000).toFixed(1)} s, ${rate} changes/s, worker's peak ${rss} MB`)

  say('writing one transaction of 1,000,000 rows')
  const before = Date.now()
  await world.source.query(
    `INSERT INTO orders SELECT 1000000 + n, n, 'placed', n / 100.0, n / 500.0, clock_timestamp() FROM generate_series(1, 1000000) AS n`,
  )
  await world.caughtUp(600_000)
  const million = peakMb(worker)
  say(`in the sink ${seconds(before)} after it began, worker's peak ${million} MB`)
  const differences = await world.differences(
    'SELECT count(*), sum(id), sum(net), sum(tax) FROM orders',
    'SELECT count(*), sum(id), sum(net), sum(tax) FROM copy.orders',
  )
  if (differences.length > 0) throw new Error(`the copy differs: ${differences.join('; ')}`)
  say(`catch-up changes_per_second=${rate} rss_mb=${rss} rss_mb_million=${million}`)
} finally {
  await world.end()
  await parts.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit()

/** Resolves when capture has confirmed everything the source wrote. */
async function captured(): Promise<void> {
  const { rows } = await world.source.query('SELECT pg_current_wal_insert_lsn()::text AS lsn')
  await eventually('capture', 300_000, async () => {
    const { rows: slots } = await world.source.query(
      `SELECT bool_and(confirmed_flush_lsn >= $1) AS reached FROM pg_replication_slots`,
      [rows[0].lsn],
    )
    return slots[0].reached ? true : undefined
  })
}

async function position(): Promise<bigint> {
  return BigInt((await world.position())?.offset ?? 0)
}

function peakMb(worker: Worker): number {
  const kb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kb) / 1024)
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
