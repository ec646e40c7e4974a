import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type KafkaLogOptions, kafkaLog } from '../../src/adapters/kafka/log.ts'
import type { LogBatch, Tenure } from '../../src/engine/ports.ts'
import { realParts } from './real-parts.ts'

const brokers = [realParts().kafka]
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 10 } })
let admin: Admin
let producer: Producer
let topic: string
let sequence = 0
const topics: string[] = []

beforeAll(async () => {
  admin = kafka.admin()
  await admin.connect()
})

beforeEach(async () => {
  topic = `log-read-${Date.now().toString(36)}-${sequence++}`
  await makeTopic(topic, 1)
  producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  return () => producer.disconnect()
})

afterAll(async () => {
  await admin.deleteTopics({ topics })
  await admin.disconnect()
})

async function makeTopic(name: string, partitions: number): Promise<void> {
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
  topics.push(name)
}

async function write(values: readonly string[], end: 'commit' | 'abort' = 'commit'): Promise<void> {
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: values.map((value) => ({ key: null, value })) })
  await transaction[end]()
}

/** Runs `work` as owner of the log, then lets go of it. */
async function asOwner<T>(work: (tenure: Tenure) => Promise<T>, options: Partial<KafkaLogOptions> = {}): Promise<T> {
  const stop = new AbortController()
  try {
    for await (const tenure of kafkaLog({ brokers, topic, ...options }).tenures(`${topic}.group`, stop.signal)) {
      return await work(tenure)
    }
    throw new Error('never became owner')
  } finally {
    stop.abort()
  }
}

async function readUntil(tenure: Tenure, from: bigint, enough: (batch: LogBatch, values: string[]) => boolean) {
  const values: string[] = []
  const offsets: bigint[] = []
  for await (const batch of tenure.read(from)) {
    for (const { offset, value } of batch.records) {
      values.push(value!.toString())
      offsets.push(offset)
    }
    if (enough(batch, values)) return { values, offsets, batch }
  }
  throw new Error('the log ended')
}
const drained = ({ nextOffset, endOffset }: LogBatch): boolean => nextOffset === endOffset

describe('reading a log', () => {
  it('gives committed records only, and an offset past the gaps between them', async () => {
    await write(['a', 'b'])
    await write(['never'], 'abort')
    await write(['c'])
    const read = await asOwner((tenure) => readUntil(tenure, 0n, drained))
    // Each transaction ends in a marker that takes an offset.
    expect(read).toMatchObject({ values: ['a', 'b', 'c'], offsets: [0n, 1n, 5n] })
    expect(read.batch).toMatchObject({ nextOffset: 7n, endOffset: 7n })
  })

  it('goes past an aborted tail, where there is nothing to hand over', async () => {
    await write(['a'])
    await write(['never'], 'abort')
    const { batch } = await asOwner((tenure) => readUntil(tenure, 2n, drained))
    expect(batch).toEqual({ records: [], nextOffset: 4n, endOffset: 4n })
  })

  it('starts exactly where it is told, in the middle of a transaction too, as often as it is told', async () => {
    await write(['a', 'b', 'c', 'd'])
    await asOwner(async (tenure) => {
      expect((await readUntil(tenure, 2n, drained)).values).toEqual(['c', 'd'])
      expect((await readUntil(tenure, 0n, drained)).values).toEqual(['a', 'b', 'c', 'd'])
      expect((await readUntil(tenure, 3n, drained)).values).toEqual(['d'])
    })
  })

  it('shows nothing of a transaction that is still open, and says that it has read all there is', async () => {
    await write(['a'])
    const open = await producer.transaction()
    await open.send({ topic, messages: [{ value: 'b' }] })
    await asOwner(async (tenure) => {
      const before = await readUntil(tenure, 0n, drained)
      expect(before.values).toEqual(['a'])
      expect(await tenure.range()).toEqual({ first: 0n, next: 2n })
      await open.commit()
      expect((await readUntil(tenure, before.batch.nextOffset, (_, values) => values.length > 0)).values).toEqual(['b'])
    })
  })

  it('fetches no more than one batch ahead of a reader that is slow', async () => {
    const value = 'x'.repeat(10_000)
    for (let i = 0; i < 10; i++) await write(Array.from({ length: 20 }, () => value))
    await asOwner(
      async (tenure) => {
        const sizes: number[] = []
        for await (const batch of tenure.read(0n)) {
          sizes.push(batch.records.length)
          if (drained(batch)) break
        }
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(200)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(20)
      },
      { fetchBytesMax: 100_000 },
    )
  })

  it('takes a record larger than a whole fetch', async () => {
    await write(['small', 'y'.repeat(500_000), 'after'])
    const { values } = await asOwner((tenure) => readUntil(tenure, 0n, drained), { fetchBytesMax: 10_000 })
    expect(values.map(({ length }) => length)).toEqual([5, 500_000, 5])
  })
})

describe('a log that is not what the position says', () => {
  it('was trimmed: LOG_SHORTER, never the first record that is left', async () => {
    await write(['a', 'b', 'c', 'd'])
    await admin.fetchTopicMetadata({ topics: [topic] })
    const trim = kafka.admin()
    await trim.connect()
    await trim.fetchTopicOffsets(topic)
    await trim.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    await trim.disconnect()
    await asOwner(async (tenure) => {
      await expect(readUntil(tenure, 1n, drained)).rejects.toMatchObject({
        code: 'LOG_SHORTER',
        facts: { from: 1n, first: 3n, next: 5n },
      })
      expect((await readUntil(tenure, 3n, drained)).values).toEqual(['d'])
    })
  })

  it('was made anew: LOG_SHORTER, although nothing is wrong with the broker', async () => {
    await write(['a'])
    await asOwner(async (tenure) => {
      await expect(readUntil(tenure, 1000n, drained)).rejects.toMatchObject({ code: 'LOG_SHORTER' })
    })
  })

  it('is trimmed while it is read', async () => {
    for (let i = 0; i < 5; i++) await write(['x'.repeat(5000)])
    await asOwner(
      async (tenure) => {
        const reading = async () => {
          for await (const _ of tenure.read(0n)) {
            await admin.fetchTopicOffsets(topic)
            await admin
              .deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] })
              .catch(() => undefined)
          }
        }
        await expect(reading()).rejects.toMatchObject({ code: 'LOG_SHORTER' })
      },
      { fetchBytesMax: 6000 },
    )
  })

  it('is missing: LOG_MISSING names the topic', async () => {
    const waiting = asOwner(async () => undefined, { topic: 'log-read-nowhere' })
    await expect(waiting).rejects.toMatchObject({
      code: 'LOG_MISSING',
      message: expect.stringContaining('log-read-nowhere'),
    })
  })

  it('has two partitions, and so no order: LOG_PARTITIONED', async () => {
    await makeTopic(`${topic}-wide`, 2)
    const waiting = asOwner(async () => undefined, { topic: `${topic}-wide` })
    await expect(waiting).rejects.toMatchObject({ code: 'LOG_PARTITIONED' })
  })
})

describe('owning a log', () => {
  /** A member that notes what it gets. */
  function member(group: string) {
    const stop = new AbortController()
    const tenures: Tenure[] = []
    const done = (async () => {
      for await (const tenure of kafkaLog({ brokers, topic }).tenures(group, stop.signal)) {
        tenures.push(tenure)
        await new Promise((resolve) => tenure.signal.addEventListener('abort', resolve, { once: true }))
      }
    })()
    return {
      tenures,
      owns: () => tenures.some(({ signal }) => !signal.aborted),
      async leave() {
        stop.abort()
        await done
      },
    }
  }

  async function until(what: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 40_000; !what(); await sleep(50)) {
      if (Date.now() > deadline) throw new Error(`in vain: ${what}`)
    }
  }

  it('is for one member, whom others who come do not disturb; when it leaves another takes over', async () => {
    const group = `${topic}.members`
    const first = member(group)
    await until(first.owns)
    const others = [member(group), member(group), member(group)]
    await sleep(4000)
    expect(others.map((other) => other.owns())).toEqual([false, false, false])
    // Its tenure is still the one it had before they came.
    expect(first.tenures.length).toBe(1)
    expect(first.owns()).toBe(true)
    await first.leave()
    expect(first.owns()).toBe(false)
    await until(() => others.filter((other) => other.owns()).length === 1)
    await Promise.all(others.map((other) => other.leave()))
  })

  it('outlasts a sink that works on one batch for longer than a session', async () => {
    await write(['a'])
    await asOwner(async (tenure) => {
      for await (const { records } of tenure.read(0n)) {
        if (records.length === 0) continue
        await sleep(8000)
        expect(tenure.signal.aborted).toBe(false)
        break
      }
    })
  })

  it('ends a reader that waits for records, when the worker drains', async () => {
    const stop = new AbortController()
    for await (const tenure of kafkaLog({ brokers, topic }).tenures(`${topic}.group`, stop.signal)) {
      setTimeout(() => stop.abort(), 500)
      for await (const _ of tenure.read(0n));
      expect(tenure.signal.aborted).toBe(true)
    }
    expect(stop.signal.aborted).toBe(true)
  })
})
