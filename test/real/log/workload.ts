import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Stack } from './stack.ts'

export const schema = `
  CREATE TABLE accounts (id int8 PRIMARY KEY, owner text NOT NULL, amount int8 NOT NULL);
  CREATE TABLE events (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int4 NOT NULL, payload text NOT NULL);
  -- One row for each transaction: what its author says it did, in the transaction itself.
  CREATE TABLE ledger (
    id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL, xid text NOT NULL DEFAULT pg_current_xact_id()::xid::text, accounts int4 NOT NULL, events int4 NOT NULL);
  INSERT INTO accounts SELECT n, 'owner ' || n, 1000 FROM generate_series(1, 200) n;
  CREATE PUBLICATION millrace_kills FOR TABLE accounts, events, ledger;
`

/** Random numbers from a seed, so that a run can be told by it. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export interface Workload {
  /** Committed transactions by kind, and those that were rolled back. */
  readonly done: Readonly<Record<string, number>>
  /** From now on only what has several events at one LSN: key updates and COPY. */
  onlyKeys(): void
  stop(): Promise<void>
}

/** Several writers at once, whose transactions overlap and are of every size. */
export async function write(
  stack: Stack,
  writers: number,
  { seed, largeRows, busy }: { readonly seed: number; readonly largeRows: number; readonly busy: () => boolean },
): Promise<Workload> {
  const done: Record<string, number> = {}
  let running = true
  let keysOnly = false
  const loops = Array.from({ length: writers }, async (_, index) => {
    const random = randomFrom(seed * 1000 + index)
    const client = await stack.sql()
    while (running) {
      const kind = keysOnly ? (random() < 0.8 ? 'key' : 'copy') : pick(random, busy())
      const outcome = await transact(client, kind, index, random, largeRows)
      done[outcome] = (done[outcome] ?? 0) + 1
      await sleep(random() * pauseMs(kind, keysOnly, busy()))
    }
    await client.end()
  })
  return {
    done,
    onlyKeys() {
      keysOnly = true
    },
    async stop() {
      running = false
      await Promise.all(loops)
    },
  }
}

/** One event per Kafka transaction is some sixty events a second: key updates must not come faster than that. */
function pauseMs(kind: Kind, keysOnly: boolean, busy: boolean): number {
  if (keysOnly) return busy ? 4000 : 1500
  if (kind === 'large') return 2000
  return busy ? 400 : 80
}

type Kind = 'small' | 'copy' | 'key' | 'savepoint' | 'rolled back' | 'slow' | 'large'

function pick(random: () => number, busy: boolean): Kind {
  const at = random()
  if (at < 0.45) return 'small'
  if (at < 0.5) return 'copy'
  if (at < 0.68) return 'key'
  if (at < 0.78) return 'savepoint'
  if (at < 0.86) return 'rolled back'
  if (at < 0.97) return 'slow'
  return busy ? 'small' : 'large'
}

async function transact(
  client: Client,
  kind: Kind,
  writer: number,
  random: () => number,
  largeRows: number,
): Promise<string> {
  try {
    await client.query('BEGIN')
    const counts = await work(client, kind, writer, random, largeRows)
    await client.query('INSERT INTO ledger (kind, accounts, events) VALUES ($1, $2, $3)', [
      kind,
      counts.accounts,
      counts.events,
    ])
    await client.query(kind === 'rolled back' ? 'ROLLBACK' : 'COMMIT')
    return kind
  } catch (error) {
    // Writers meet on the same accounts: one of two that wait for each other is told to go.
    if (!['40P01', '23505'].includes((error as { code?: string }).code ?? '')) throw error
    await client.query('ROLLBACK')
    return 'rolled back'
  }
}

/** Does it, and says how many row events of each table the log must hold for it. */
async function work(
  client: Client,
  kind: Kind,
  writer: number,
  random: () => number,
  largeRows: number,
): Promise<{ accounts: number; events: number }> {
  const insert = async (rows: number) => {
    await client.query(
      `INSERT INTO events (writer, payload) SELECT $1, md5(n::text || random()) FROM generate_series(1, $2::int) n`,
      [writer, rows],
    )
    return rows
  }
  switch (kind) {
    case 'small':
      return { accounts: await transfer(client, random), events: await insert(Math.floor(random() * 4)) }
    case 'copy': {
      // Many rows in one WAL record, and so at one LSN.
      const rows = 2 + Math.floor(random() * 10)
      await client.query(`COPY events (writer, payload) FROM PROGRAM 'seq -f ${writer},copied%g ${rows}' (FORMAT csv)`)
      return { accounts: 0, events: rows }
    }
    case 'rolled back':
      return { accounts: await transfer(client, random), events: await insert(random() < 0.1 ? largeRows / 5 : 20) }
    case 'key': {
      const moved = await client.query(
        `UPDATE accounts SET id = CASE WHEN id > 1000000 THEN id - 1000000 ELSE id + 1000000 END WHERE id % 1000000 = $1`,
        [1 + Math.floor(random() * 200)],
      )
      // A new key is a delete and a create.
      return { accounts: 2 * moved.rowCount!, events: 0 }
    }
    case 'savepoint': {
      const events = await insert(10)
      await client.query('SAVEPOINT here')
      await insert(30)
      await client.query('ROLLBACK TO SAVEPOINT here')
      return { accounts: await transfer(client, random), events: events + (await insert(5)) }
    }
    case 'slow': {
      // Stays open while others commit.
      const accounts = await transfer(client, random)
      await sleep(random() * 600)
      return { accounts, events: await insert(50) }
    }
    case 'large': {
      const gone = await client.query('DELETE FROM events WHERE id IN (SELECT id FROM events WHERE writer = $1)', [
        writer,
      ])
      return { accounts: await transfer(client, random), events: gone.rowCount! + (await insert(largeRows)) }
    }
  }
}

/** From one account to another: the sum of all never changes. */
async function transfer(client: Client, random: () => number): Promise<number> {
  const [from, to] = [1 + Math.floor(random() * 200), 1 + Math.floor(random() * 200)].sort((a, b) => a - b)
  if (from === to) return 0
  const amount = Math.floor(random() * 50)
  const one = await client.query('UPDATE accounts SET amount = amount - $2 WHERE id % 1000000 = $1', [from, amount])
  const two = await client.query('UPDATE accounts SET amount = amount + $2 WHERE id % 1000000 = $1', [to, amount])
  return one.rowCount! + two.rowCount!
}
