import { afterAll, beforeAll, expect, it } from 'vitest'
import { randomFrom } from './log/workload.ts'
import { eventually, Scenario, type Worker } from './scenario.ts'

/**
 * Accounts and transfers: every transaction moves money and writes down that it did. Their sum, and each account against its
 * transfers, hold in every state the source was in, and in no torn one.
 */
const source = `
CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, note text);
CREATE TABLE transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int NOT NULL REFERENCES accounts, amount bigint NOT NULL);
INSERT INTO accounts SELECT n, 1000, repeat(md5(n::text), 150) FROM generate_series(1, 100) n;
`
const torn = `
SELECT (SELECT sum(balance) FROM copy.accounts) IS DISTINCT FROM 100000 AS sum_wrong,
       (SELECT count(*) FROM copy.accounts a WHERE balance <> 1000 + coalesce((SELECT sum(amount) FROM copy.transfers t WHERE t.account = a.id), 0)) AS accounts_wrong,
       (SELECT applied_lsn::text FROM millrace.positions WHERE sync = 'copy') AS lsn`

let world: Scenario
let workers: Worker[]
const seen: string[] = []
let reads = 0
let watching = true
let traffic: Promise<void>
let busy = true

beforeAll(async () => {
  world = await Scenario.make({
    source,
    tables: ['public.accounts', 'public.transfers'],
    handles: ['accounts', 'transfers'],
    sync: 'from: { accounts, transfers },',
  })
  await world.millrace('apply --yes')
  workers = [world.startWorker(), world.startWorker()]
  await world.caughtUp()
  traffic = transfer()
  void watch()
})
afterAll(async () => {
  busy = false
  watching = false
  await world?.end()
})

async function transfer(): Promise<void> {
  const random = randomFrom(Number(process.env.MILLRACE_SEED ?? Date.now()))
  while (busy) {
    const [from, to] = [1 + Math.floor(random() * 100), 1 + Math.floor(random() * 100)]
    const amount = 1 + Math.floor(random() * 50)
    await world.source
      .query(`BEGIN; UPDATE accounts SET balance = balance - ${amount} WHERE id = ${from};
        UPDATE accounts SET balance = balance + ${amount} WHERE id = ${to};
        INSERT INTO transfers (account, amount) VALUES (${from}, ${-amount}), (${to}, ${amount}); COMMIT`)
      .catch(() => world.source.query('ROLLBACK').catch(() => undefined))
    await new Promise((resolve) => setTimeout(resolve, 5 + random() * 20))
  }
}

async function watch(): Promise<void> {
  while (watching) {
    try {
      const { rows } = await world.sink.query(torn)
      reads++
      if (rows[0].lsn !== null && (rows[0].sum_wrong || rows[0].accounts_wrong !== '0'))
        seen.push(JSON.stringify(rows[0]))
    } catch {
      // The sink is down in one of the scenarios.
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function owner(): Promise<Worker> {
  return eventually('an owner', 60_000, async () => {
    for (const worker of workers) if ((await worker.status())?.epoch != null) return worker
    return undefined
  })
}

it('goes on with the standby when the owner is killed', async () => {
  for (let kill = 0; kill < 3; kill++) {
    const killed = await owner()
    await killed.kill('SIGKILL')
    workers = workers.filter((worker) => worker !== killed)
    workers.push(world.startWorker())
    await world.caughtUp()
  }
})

it('fences an owner that was only asleep', async () => {
  const asleep = await owner()
  asleep.signal('SIGSTOP')
  workers = [...workers.filter((worker) => worker !== asleep), asleep]
  await eventually('another owner', 60_000, async () => {
    for (const worker of workers) if (worker !== asleep && (await worker.status())?.epoch != null) return true
    return undefined
  })
  await world.caughtUp()
  asleep.signal('SIGCONT')
  await world.caughtUp()
})

it('waits for a sink that is down, and says so', async () => {
  world.sinkServer.kill('SIGKILL')
  await world.trouble('SINK_UNAVAILABLE')
  await eventually('the sink', 60_000, () =>
    world.reconnect().then(
      () => true,
      () => undefined,
    ),
  )
  await world.caughtUp()
})

it('goes on when Connect is killed', async () => {
  process.kill(world.partPid('connect'), 'SIGKILL')
  await world.caughtUp(120_000)
})

it('goes on when the broker is killed', async () => {
  process.kill(world.partPid('kafka'), 'SIGKILL')
  await world.caughtUp(150_000)
})

it('drains when asked to end', async () => {
  const ending = await owner()
  await ending.kill('SIGTERM')
  workers = workers.filter((worker) => worker !== ending)
  await world.caughtUp()
})

it('has shown nothing but states the source was in, and shows the last one', async () => {
  busy = false
  await traffic
  await world.caughtUp()
  watching = false
  expect(seen).toEqual([])
  expect(reads).toBeGreaterThan(100)
  expect(await world.differences('SELECT * FROM accounts', 'SELECT * FROM copy.accounts')).toEqual([])
  expect(await world.differences('SELECT * FROM transfers', 'SELECT * FROM copy.transfers')).toEqual([])
})
