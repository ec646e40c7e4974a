import { afterAll, beforeAll, expect, it } from 'vitest'
import { kafkaTopicAdmin } from '../../src/adapters/kafka/admin.ts'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import type { TopicAdmin } from '../../src/project/ports.ts'
import { realParts } from './real-parts.ts'

const { kafka } = realParts()
const topic = `admin-${Date.now().toString(36)}`
let admin: TopicAdmin

beforeAll(() => {
  admin = kafkaTopicAdmin({ brokers: [kafka] })
})
afterAll(async () => {
  await admin.delete([topic])
  await admin.close()
})

it('makes a topic once, with the settings asked for and no others', async () => {
  expect(await admin.range(topic)).toBeNull()
  const spec = { name: topic, partitions: 2, configs: { 'retention.ms': '1000000', 'cleanup.policy': 'delete' } }
  await admin.create([spec])
  await admin.create([{ ...spec, partitions: 5 }])
  expect([...(await admin.describe([topic, 'not-there'])).values()]).toEqual([
    { name: topic, partitions: 2, replicas: 1, configs: spec.configs },
  ])
})

it('changes one setting and keeps the others', async () => {
  await admin.configure(topic, { 'max.message.bytes': '2000000' })
  await admin.configure(topic, { 'retention.ms': '2000000' })
  expect((await admin.describe([topic])).get(topic)!.configs).toEqual({
    'retention.ms': '2000000',
    'cleanup.policy': 'delete',
    'max.message.bytes': '2000000',
  })
})

it('says why Kafka refuses a setting', async () => {
  await expect(admin.configure(topic, { 'retention.ms': 'for ever' })).rejects.toMatchObject({
    code: 'KAFKA_FAILED',
    message: expect.stringContaining(topic),
  })
})

it('tells which offsets there are', async () => {
  expect(await admin.range(topic)).toEqual({ first: 0n, next: 0n })
  const producer = kafkaClient({ brokers: [kafka] }).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, messages: [1, 2, 3].map((n) => ({ partition: 0, value: String(n) })) })
  await producer.disconnect()
  expect(await admin.range(topic)).toEqual({ first: 0n, next: 3n })
})

it('deletes a topic, and one that is not there without a word', async () => {
  await admin.delete([topic, 'not-there'])
  await expect.poll(() => admin.range(topic)).toBeNull()
})

it('names the brokers when none answers, each time it is asked', async () => {
  const nobody = kafkaTopicAdmin({ brokers: ['127.0.0.1:1'] })
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(nobody.describe(['x'])).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      retriable: true,
      message: expect.stringContaining('127.0.0.1:1'),
    })
  }
  await nobody.close()
}, 30_000)
