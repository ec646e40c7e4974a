import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, Scenario, type Worker } from './scenario.ts'

/** What a human must look at stops the sync at that transaction, by name, loses nothing, and goes on when the cause is gone. */
let world: Scenario
let worker: Worker

beforeAll(async () => {
  world = await Scenario.make({
    source: `CREATE TABLE notes (id int PRIMARY KEY, word text NOT NULL, n int); INSERT INTO notes VALUES (1, 'one', 1)`,
    tables: ['public.notes'],
    handles: ['notes'],
    sync: 'from: { notes },',
  })
  await world.millrace('apply --yes')
  worker = world.startWorker()
  await world.caughtUp()
})
afterAll(() => world?.end())

const same = async (): Promise<void> => {
  await world.caughtUp()
  expect(await world.differences('SELECT * FROM notes', 'SELECT * FROM copy.notes')).toEqual([])
}

it('a constraint of the target stops it with row and constraint, and it goes on once that is removed', async () => {
  await world.sink.query('ALTER TABLE copy.notes ADD CONSTRAINT small CHECK (n < 100)')
  await world.source.query(`INSERT INTO notes VALUES (2, 'fits', 2)`)
  await world.source.query(`INSERT INTO notes VALUES (3, 'too big', 300)`)
  await world.source.query(`INSERT INTO notes VALUES (4, 'after', 4)`)
  const { message, state } = await world.trouble('SYNC_CONSTRAINT')
  expect(state).toBe('stopped')
  expect(message).toContain('small')
  const { rows } = await world.sink.query('SELECT id FROM copy.notes ORDER BY id')
  expect(rows.map(({ id }) => id)).toEqual([1, 2])
  expect((await worker.get('/readyz')).status).toBe(503)
  expect((await world.call('status')).code).toBe(1)
  await world.sink.query('ALTER TABLE copy.notes DROP CONSTRAINT small')
  await same()
  await worker.reaches('live')
  expect((await worker.get('/readyz')).status).toBe(200)
})

it('a target that lost a column stops it', async () => {
  await world.sink.query('ALTER TABLE copy.notes RENAME COLUMN n TO m')
  await world.source.query(`INSERT INTO notes VALUES (5, 'five', 5)`)
  await world.trouble('SINK_REFUSED', 'TARGET_COLUMN_MISSING', 'TARGET_MISSING')
  await world.sink.query('ALTER TABLE copy.notes RENAME COLUMN m TO n')
  await same()
})

it('a log that is torn makes it load again by itself', async () => {
  const kafka = new Kafka({ brokers: [world.parts.kafka], logLevel: 0 })
  const begin = await firstRecord(kafka, (value) => value.includes('BEGIN'))
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic: `${world.name}.log`, messages: [{ key: 'x', value: begin }] })
  await producer.disconnect()
  await world.source.query(`INSERT INTO notes VALUES (50, 'after the tear', 5)`)
  await eventually('the load', 60_000, async () => (worker.said('Loading again') ? true : undefined))
  await worker.reaches('live')
  await same()
})

it('a record that does not decode stops it at that record, and it stays there', async () => {
  const before = await world.position()
  const kafka = new Kafka({ brokers: [world.parts.kafka], logLevel: 0 })
  const row = await firstRecord(kafka, (value) => value.includes('postgresql') && value.includes('one'))
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic: `${world.name}.log`, messages: [{ key: 'x', value: row.subarray(0, 12) }] })
  await producer.disconnect()
  await world.source.query(`INSERT INTO notes VALUES (6, 'behind it', 6)`)
  const { state } = await world.trouble('RECORD_UNDECODABLE')
  expect(state).toBe('stopped')
  const after = await world.position()
  expect(BigInt(after?.offset ?? 0)).toBeGreaterThanOrEqual(BigInt(before?.offset ?? 0))
  const { rows } = await world.sink.query('SELECT count(*)::int AS n FROM copy.notes WHERE id = 6')
  expect(rows[0].n).toBe(0)
})

it('a log that no longer holds the position stops it, and says to load again', async () => {
  await worker.kill('SIGKILL')
  const kafka = new Kafka({ brokers: [world.parts.kafka], logLevel: 0 })
  const admin = kafka.admin()
  await admin.connect()
  const [range] = await admin.fetchTopicOffsets(`${world.name}.log`)
  await admin.deleteTopicRecords({
    topic: `${world.name}.log`,
    partitions: [{ partition: 0, offset: range?.high ?? '0' }],
  })
  await admin.disconnect()
  worker = world.startWorker()
  const { state, message } = await world.trouble('LOG_SHORTER')
  expect(state).toBe('stopped')
  expect(message).toContain(`${world.name}`)
  expect((await world.call('status')).code).toBe(1)
})

it('loads again by an incremental snapshot when it is reset', async () => {
  await world.source.query('DELETE FROM notes WHERE id = 1')
  await world.millrace('reset copy --yes')
  await worker.reaches('live')
  await same()
})

async function firstRecord(kafka: Kafka, wanted: (value: Buffer) => boolean): Promise<Buffer> {
  const consumer = kafka.consumer({ groupId: `${world.name}.look` })
  await consumer.connect()
  await consumer.subscribe({ topic: `${world.name}.log`, fromBeginning: true })
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const give = setTimeout(() => reject(new Error('the log holds no such record')), 30_000)
      void consumer.run({
        eachMessage: async ({ message: { value } }) => {
          if (value === null || !wanted(value)) return
          clearTimeout(give)
          resolve(value)
        },
      })
    })
  } finally {
    await consumer.disconnect()
  }
}
