import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { kafkaClient } from '../../../src/adapters/kafka/client.ts'
import { kafkaFault } from '../../../src/adapters/kafka/faults.ts'
import { kafkaLog } from '../../../src/adapters/kafka/log.ts'
import { kafkaSignals } from '../../../src/adapters/kafka/signals.ts'
import { fault } from '../../../src/errors.ts'

const brokers = ['127.0.0.1:1']
const code = (thrown: unknown) => kafkaFault(thrown, brokers, 'shop.log').code

describe('what kafkajs throws', () => {
  it('is named by its cause, however often it was tried', () => {
    const refused = new KafkaJSConnectionError('Connection error: connect ECONNREFUSED 127.0.0.1:1', { broker: 'b' })
    const retried = new KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 5, retryTime: 1000 })
    Object.assign(retried, { cause: refused })
    expect(code(retried)).toBe('KAFKA_UNREACHABLE')
  })

  it('tells a missing topic and a refused client from a broker that is away', () => {
    const answer = (type: string) =>
      new KafkaJSProtocolError({ type, code: 3, retriable: true, message: type } as never)
    expect(code(answer('UNKNOWN_TOPIC_OR_PARTITION'))).toBe('LOG_MISSING')
    expect(code(answer('GROUP_AUTHORIZATION_FAILED'))).toBe('KAFKA_DENIED')
    expect(code(answer('UNKNOWN_SERVER_ERROR'))).toBe('KAFKA_FAILED')
  })

  it('leaves our own errors as they are', () => {
    const ours = fault('LOG_PARTITIONED', { log: 'shop.log', partitions: 2 })
    expect(kafkaFault(ours, brokers, 'shop.log')).toBe(ours)
  })
})

describe('brokers that do not answer', () => {
  const unreachable = { code: 'KAFKA_UNREACHABLE', retriable: true, message: expect.stringContaining('127.0.0.1:1') }

  it('fail the wait for ownership, naming the address', async () => {
    const log = kafkaLog({ brokers, topic: 'shop.log' })
    const waiting = async () => {
      for await (const _ of log.tenures('g', new AbortController().signal)) throw new Error('owns what is not there')
    }
    await expect(waiting()).rejects.toMatchObject(unreachable)
  })

  it('end the wait at once when the worker drains', async () => {
    const drain = new AbortController()
    const log = kafkaLog({ brokers, topic: 'shop.log' })
    drain.abort()
    for await (const _ of log.tenures('g', drain.signal)) throw new Error('owns what is not there')
  })

  it('fail a request for a load', async () => {
    const signals = kafkaSignals({ brokers, source: 'shop' })
    await expect(signals.request({ id: '1', tables: ['public.orders'] })).rejects.toMatchObject(unreachable)
  })
})

it('passes kafkajs own lines on as debug, because it shouts for what it then heals', async () => {
  const lines: string[] = []
  const never = () => {
    throw new Error('a line of kafkajs is no warning of ours')
  }
  const logger = { debug: (_: object, message: string) => lines.push(message), info: never, warn: never }
  const admin = kafkaClient({ brokers, logger }).admin({ retry: { retries: 0 } })
  await expect(admin.connect()).rejects.toThrow()
  expect(lines.join('\n')).toContain('kafka client: ')
})
