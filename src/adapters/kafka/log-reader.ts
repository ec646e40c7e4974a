import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, Kafka } from 'kafkajs'
import type { LogRecord } from '../../contract/log-event.ts'
import { fault } from '../../errors.ts'
import { type ClusterConnection, connectCluster } from './cluster.ts'
import { type AbortedTransaction, committed, type FetchedMessage } from './committed.ts'
import { kafkaFault } from './faults.ts'

export interface LogReaderOptions {
  readonly kafka: Kafka
  readonly brokers: readonly string[]
  readonly topic: string
  /** Most bytes of one fetch; a single larger record is fetched alone. */
  readonly fetchBytesMax: number
  /** How long nothing may be got from the brokers before that is an error. */
  readonly unreachableAfterMs: number
}

export interface Fetched {
  readonly records: readonly LogRecord[]
  /** Offset to go on from: past control and aborted records. */
  readonly nextOffset: bigint
  /** Last stable offset: what is before it can be read. */
  readonly endOffset: bigint
}

/** Reads one log by explicit offsets. It has no position of its own and no default. */
export interface LogReader {
  /** Waits at most `waitMs` when nothing is there. Throws `LOG_SHORTER` when `from` does not exist. */
  fetch(from: bigint, waitMs: number): Promise<Fetched>
  range(): Promise<{ readonly first: bigint; readonly next: bigint }>
  close(): Promise<void>
}

const readCommitted = 1

export async function openLogReader(options: LogReaderOptions): Promise<LogReader> {
  const { kafka, brokers, topic } = options
  let connection: ClusterConnection | undefined
  try {
    connection = await connectCluster(kafka)
    await connection.cluster.addTargetTopic(topic)
    const partitions = connection.cluster.findTopicPartitionMetadata(topic).length
    if (partitions !== 1) throw fault('LOG_PARTITIONED', { log: topic, partitions })
    return reader(connection, options)
  } catch (error) {
    await connection?.close()
    throw kafkaFault(error, brokers, topic)
  }
}

function reader(connection: ClusterConnection, options: LogReaderOptions): LogReader {
  const { cluster } = connection
  const { brokers, topic, fetchBytesMax, unreachableAfterMs } = options
  let closed = false

  async function leader(): Promise<Broker> {
    await cluster.refreshMetadataIfNecessary()
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [0]))
    return cluster.findBroker({ nodeId: nodeId! })
  }

  /** Tries until it succeeds, the reader is closed or the brokers have been silent for too long. */
  async function persistently<T>(ask: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + unreachableAfterMs
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
      try {
        return await ask()
      } catch (error) {
        if (closed || !canHeal(error) || performance.now() > deadline) throw error
        if (error.host !== undefined && error.port !== undefined) {
          cluster.removeBroker({ host: error.host, port: error.port })
        }
        await sleep(waitMs)
        // The leader may have moved; a refusal here shows again, or heals, at the next try.
        await cluster.refreshMetadata().catch(() => undefined)
      }
    }
  }

  async function offsetOf(fromBeginning: boolean): Promise<bigint> {
    const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition: 0 }], fromBeginning }])
    return BigInt(answer!.partitions[0]!.offset)
  }

  async function range(): Promise<{ first: bigint; next: bigint }> {
    try {
      const first = await persistently(() => offsetOf(true))
      return { first, next: await persistently(() => offsetOf(false)) }
    } catch (error) {
      throw kafkaFault(error, brokers, topic)
    }
  }

  async function request(from: bigint, waitMs: number): Promise<FetchedPartition> {
    const broker = await leader()
    const answer: FetchAnswer = await broker.fetch({
      isolationLevel: readCommitted,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes: fetchBytesMax,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: from.toString(), maxBytes: fetchBytesMax }] }],
    })
    return answer.responses[0]!.partitions[0]!
  }

  return {
    range,

    async fetch(from, waitMs) {
      try {
        const partition = await persistently(() => request(from, waitMs))
        return fetched(partition, from)
      } catch (error) {
        if ((error as Error).name !== 'KafkaJSOffsetOutOfRange') throw kafkaFault(error, brokers, topic)
        const { first, next } = await range()
        throw fault('LOG_SHORTER', { log: topic, from, first, next }, error)
      }
    },

    async close() {
      closed = true
      await connection.close()
    },
  }
}

function fetched(partition: FetchedPartition, from: bigint): Fetched {
  const records: LogRecord[] = []
  for (const { offset, key, value, headers } of committed(partition.messages, partition.abortedTransactions)) {
    // The first batch of a fetch may begin before the offset that was asked for.
    if (BigInt(offset) >= from) records.push({ offset: BigInt(offset), key, value, ...(headers && { headers }) })
  }
  const last = partition.messages.at(-1)
  const after = last === undefined ? from : BigInt(last.offset) + 1n
  return {
    records,
    nextOffset: after > from ? after : from,
    endOffset: BigInt(partition.lastStableOffset),
  }
}

/** kafkajs knows which of its errors are passing; a lost connection and moved leadership are among them. */
function canHeal(error: unknown): error is Error & { host?: string; port?: number } {
  if (!(error instanceof Error) || error.name === 'KafkaJSOffsetOutOfRange') return false
  const { retriable, type } = error as { retriable?: boolean; type?: string }
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return false
  return retriable === true || /^KafkaJS(Number|BrokerNotFound|Connection|TopicMetadata|Metadata)/.test(error.name)
}

interface FetchedPartition {
  readonly lastStableOffset: string
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly messages: readonly FetchedMessage[]
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}
