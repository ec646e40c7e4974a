import type { Producer } from 'kafkajs'
import type { LoadSignals } from '../../engine/ports.ts'
import { type KafkaAddress, kafkaClient } from './client.ts'
import { kafkaFault } from './faults.ts'

export interface KafkaSignalsOptions extends KafkaAddress {
  /** The source's name: Debezium's topic prefix, which its signals are keyed by. */
  readonly source: string
  /** Default `<source>.signals`. */
  readonly topic?: string
}

/** Asks Debezium for incremental snapshots through its signal topic. Connects for each request: they are rare. */
export function kafkaSignals(options: KafkaSignalsOptions): LoadSignals {
  const kafka = kafkaClient(options)
  const topic = options.topic ?? `${options.source}.signals`
  return {
    async request({ id, tables }) {
      const producer: Producer = kafka.producer({ allowAutoTopicCreation: false })
      try {
        await producer.connect()
        await producer.send({ topic, acks: -1, messages: [signalRecord(options.source, id, tables)] })
      } catch (error) {
        throw kafkaFault(error, options.brokers, topic)
      } finally {
        await producer.disconnect().catch(() => undefined)
      }
    },
  }
}

/** Debezium takes the names as regular expressions over its own spelling, `schema.table`. */
export function signalRecord(
  source: string,
  id: string,
  tables: readonly string[],
): { readonly key: string; readonly value: string } {
  const collections = tables.map((table) => table.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return {
    key: source,
    value: JSON.stringify({
      id,
      type: 'execute-snapshot',
      data: { 'data-collections': collections, type: 'incremental' },
    }),
  }
}
