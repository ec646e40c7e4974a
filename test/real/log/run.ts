import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaLog } from '../../../src/adapters/kafka/log.ts'
import { compareWithSource, Judge } from './judge.ts'
import { Records } from './records.ts'
import { Over, type Stack, startStack, until } from './stack.ts'
import { randomFrom, schema, type Workload, write } from './workload.ts'

export interface RunOptions {
  readonly seed: number
  /** How often Connect is killed while it streams. */
  readonly kills: number
  /** The last so many of them with one event per Kafka transaction. */
  readonly oneByOne: number
  /** How often in the middle of the initial snapshot. */
  readonly snapshotKills: number
  readonly snapshotRows: number
  readonly largeRows: number
  readonly say: (line: string) => void
  /** Ends the run and everything it started. */
  readonly signal?: AbortSignal
}

export interface RunReport {
  readonly kills: {
    readonly snapshot: number
    readonly streaming: number
    readonly oneByOne: number
    readonly deaths: number
  }
  readonly transactions: number
  readonly rows: number
  readonly written: Readonly<Record<string, number>>
  /** Seconds from each kill to the first transaction committed after it that the log showed. */
  readonly recoverySeconds: readonly number[]
  readonly attempts: readonly { readonly rows: number; readonly lsn: string; readonly completed: boolean }[]
  readonly slotKept: boolean
  readonly replayed: number
  readonly ahead: Judge['ahead']
  /** Transactions of the writers found in the log as transactions, each compared with what its author wrote down. */
  readonly ledger: number
  readonly wrong: readonly string[]
  /** What was lost and is known to be lost: see `Judge.torn`. */
  readonly torn: readonly string[]
  /** What is there twice and changes nothing: see `Judge.doubled`. */
  readonly doubled: readonly string[]
  readonly differences: readonly string[]
  readonly seconds: number
}

/** Kills Connect again and again while services write, reading the log all along, then compares it with the source. */
export async function killConnectAgainAndAgain(options: RunOptions): Promise<RunReport> {
  const started = Date.now()
  const random = randomFrom(options.seed)
  const stack = await startStack(options.say)
  const judge = new Judge()
  const stopReading = new AbortController()
  let reading: Promise<void> | undefined
  let workload: Workload | undefined
  try {
    const client = await stack.sql()
    await client.query(schema)
    await client.query(
      `INSERT INTO events (writer, payload) SELECT 99, md5(n::text) FROM generate_series(1, $1::int) n`,
      [options.snapshotRows],
    )
    reading = follow(stack, judge, stopReading.signal)
    let broke: unknown
    reading.catch((error) => {
      broke = error
    })
    const alive = () => {
      if (options.signal?.aborted) throw new Over('stopped', { cause: options.signal.reason })
      if (broke !== undefined) throw new Over('the judge failed', { cause: broke })
    }
    // One row at a time goes while the snapshot is read, so that an attempt and its successor see different states.
    await stack.capture()
    const slotKept = await killTheSnapshot(stack, judge, options, alive)
    options.say(
      `snapshot done after ${options.snapshotKills} kills: ${JSON.stringify(describeAttempts(judge))}, ` +
        `${judge.replayed} replayed, ${judge.ahead.transactions} of them known, LSN ${judge.ahead.lsnFirst}..${judge.ahead.lsnLast}`,
    )

    workload = await write(stack, 4, {
      seed: options.seed,
      largeRows: options.largeRows,
      // Writers that outrun a killed Connect would only measure how long it takes to catch up.
      busy: () => Date.now() - judge.lastCommitMs > 5000,
    })
    const recoverySeconds: number[] = []
    let killed = 0
    const { oneByOne } = options
    for (let kill = 1; kill <= options.kills; kill++) {
      if (kill === options.kills - oneByOne + 1) {
        options.say('from now on: key updates and COPY, one event per Kafka transaction')
        workload.onlyKeys()
        await caughtUp(judge, Date.now(), alive)
        await stack.capture({ 'max.batch.size': '1', 'max.queue.size': '2' })
        await caughtUp(judge, Date.now() + 2000, alive)
      }
      await sleep(300 + random() * 5000)
      // Now and then it dies again before it is back.
      const times = random() < 0.15 ? 2 : 1
      for (let death = 0; death < times; death++) {
        if (death > 0) await sleep(random() * 11_000)
        await stack.killConnect()
        killed++
      }
      const at = Date.now()
      await caughtUp(judge, at, alive)
      recoverySeconds.push((Date.now() - at) / 1000)
      options.say(
        `kill ${kill}${times > 1 ? ' (twice)' : ''}: back after ${recoverySeconds.at(-1)!.toFixed(1)} s; ` +
          `${judge.transactions} transactions, ${judge.rows} rows, ${judge.torn.length} torn, ${judge.wrong.length} wrong ${judge.wrong.slice(0, 3).join('; ')}`,
      )
    }
    await workload.stop()
    await sleep(100)
    await caughtUp(judge, Date.now(), alive)
    const { differences, ledger } = await compareWithSource(judge, client)
    return {
      kills: {
        snapshot: options.snapshotKills,
        streaming: options.kills,
        oneByOne,
        deaths: killed + options.snapshotKills,
      },
      transactions: judge.transactions,
      rows: judge.rows,
      written: workload.done,
      recoverySeconds,
      attempts: describeAttempts(judge),
      slotKept,
      replayed: judge.replayed,
      ahead: judge.ahead,
      ledger,
      wrong: judge.wrong,
      torn: judge.torn,
      doubled: judge.doubled,
      differences: differences.slice(0, 50),
      seconds: (Date.now() - started) / 1000,
    }
  } finally {
    await workload?.stop().catch(() => undefined)
    stopReading.abort()
    await reading?.catch(() => undefined)
    await stack.stop()
  }
}

/** Deletes and updates go on while Connect is killed in the middle of reading the tables. True when all attempts had one slot. */
async function killTheSnapshot(stack: Stack, judge: Judge, options: RunOptions, alive: () => void): Promise<boolean> {
  const client = await stack.sql()
  const slots = new Set<string>()
  let busy = true
  const changing = (async () => {
    for (let id = 1; busy; id += 1) {
      await client.query(
        `WITH gone AS (DELETE FROM events WHERE id = $1 RETURNING 1), told AS (
           UPDATE events SET payload = 'changed ' || $2 WHERE id = $2 RETURNING 1)
         INSERT INTO ledger (kind, accounts, events) SELECT 'during', 0, (SELECT count(*) FROM gone) + (SELECT count(*) FROM told)`,
        [id * 3, id * 3 + 1],
      )
      await sleep(5)
    }
  })()
  try {
    for (let kill = 1; kill <= options.snapshotKills; kill++) {
      await until('a snapshot attempt has sent rows', 120_000, async () => {
        alive()
        const attempt = judge.attempts[kill - 1]
        return attempt !== undefined && attempt.rows > 2000
      })
      if (judge.attempts[kill - 1]!.completed)
        throw new Error('the snapshot was over before the kill: give it more rows')
      slots.add(await slotOf(stack))
      options.say(
        `killed in snapshot attempt ${kill} at ${judge.attempts[kill - 1]!.rows} rows; slot ${[...slots].at(-1)}`,
      )
      await stack.killConnect()
    }
    let told = 0
    await until('the snapshot is complete and settled', 180_000, async () => {
      alive()
      if (Date.now() - told > 15_000) {
        told = Date.now()
        const { rows, completed, reader } = judge.attempts.at(-1)!
        options.say(
          `attempt ${judge.attempts.length}: ${rows} rows, read by ${reader}${completed ? ', completed' : ''}; ` +
            `${judge.transactions} transactions, ${judge.heartbeats} heartbeats, the last ${judge.lastHeartbeat}`,
        )
      }
      return judge.settled
    })
  } finally {
    busy = false
    await changing
  }
  return slots.size === 1
}

/** Where the slot stands. It moves only when a snapshot is complete: while one is read, another value is another slot. */
async function slotOf(stack: Stack): Promise<string> {
  const client = await stack.sql()
  const { rows } = await client.query('SELECT slot_name, confirmed_flush_lsn::text FROM pg_replication_slots')
  await client.end()
  return JSON.stringify(rows)
}

/** Until the log has shown a transaction that was committed after `atMs`. Heartbeats commit, too. */
async function caughtUp(judge: Judge, atMs: number, alive: () => void): Promise<void> {
  await until('the log goes on', 180_000, async () => {
    alive()
    return judge.lastCommitMs > atMs
  })
}

async function follow(stack: Stack, judge: Judge, signal: AbortSignal): Promise<void> {
  const records = new Records(stack.registry)
  const log = kafkaLog({ brokers: stack.brokers, topic: stack.log })
  for await (const tenure of log.tenures('kills.judge', signal)) {
    for await (const batch of tenure.read(0n)) {
      await records.prepare(batch.records)
      for (const record of batch.records) judge.take(records.read(record), record.offset)
    }
    if (!signal.aborted) throw new Error('the judge lost the log', { cause: tenure.signal.reason })
  }
}

function describeAttempts(judge: Judge): RunReport['attempts'] {
  return judge.attempts.map(({ rows, lsnMin, lsnMax, completed }) => ({ rows, lsn: `${lsnMin}..${lsnMax}`, completed }))
}
