import type { Kafka } from 'kafkajs'
import { fault } from '../../errors.ts'
import type { KafkaLogger } from './client.ts'
import { kafkaFault } from './faults.ts'
import { mailbox } from './mailbox.ts'
import { stickyAssigner } from './sticky-assigner.ts'

export interface OwnershipOptions {
  readonly kafka: Kafka
  readonly brokers: readonly string[]
  readonly topic: string
  readonly group: string
  readonly logger: KafkaLogger | undefined
  /** A member that is silent for so long has died. Brokers accept 6 s and more unless told otherwise. */
  readonly sessionTimeoutMs: number
  /** Group traffic must be seen at least so often, or kafkajs is thought to have stopped without a word. */
  readonly silenceMaxMs: number
}

/**
 * Joins `group` and yields a signal each time this member becomes the log's owner; it aborts when ownership ends. Throws when the
 * brokers cannot be reached or the membership broke: whoever called decides when to try again. Ends when `signal` aborts.
 *
 * The group decides who owns and nothing else. Its partition stays paused, so that kafkajs fetches nothing, needs no offsets, and
 * heartbeats at its own pace however long a sink works on one batch.
 */
export async function* ownerships(options: OwnershipOptions, signal: AbortSignal): AsyncGenerator<AbortSignal> {
  const { kafka, brokers, topic, group, logger, sessionTimeoutMs, silenceMaxMs } = options
  if (signal.aborted) return
  const inbox = mailbox<AbortSignal>()
  let tenure: AbortController | undefined
  let member: string | undefined
  let lastPulse = performance.now()

  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    partitionAssigners: [stickyAssigner(topic, () => tenure !== undefined)],
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.floor(sessionTimeoutMs / 4),
    rebalanceTimeout: Math.max(20_000, sessionTimeoutMs * 2),
    // With the partition paused this is only how often the loop looks whether a heartbeat is due.
    maxWaitTimeInMs: 250,
    // A crash ends this membership; a new one begins with a new consumer, not with half of the old one.
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5, restartOnFailure: async () => false },
  })

  function end(reason: unknown): void {
    tenure?.abort(reason)
    tenure = undefined
  }

  consumer.on(consumer.events.FETCH, () => {
    lastPulse = performance.now()
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    lastPulse = performance.now()
    // Before the fetch loop turns again: no record may ever come through the group.
    consumer.pause([{ topic, partitions: [0] }])
    const owns = payload.memberAssignment[topic]?.includes(0) === true
    // A member that had to join under a new id was out of the group, where another may have owned the log.
    if (tenure !== undefined && (!owns || payload.memberId !== member)) {
      logger?.info({ group, log: topic }, 'ownership of the log went to another member')
      end(fault('OWNERSHIP_LOST', { group, log: topic }))
    }
    member = payload.memberId
    if (!owns || tenure !== undefined) return
    tenure = new AbortController()
    inbox.put(tenure.signal)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => broke(payload.error))

  function broke(error: unknown): void {
    const reason = kafkaFault(error, brokers, topic)
    end(reason)
    inbox.fail(reason)
  }

  const watchdog = setInterval(
    () => {
      const silentMs = performance.now() - lastPulse
      if (silentMs > silenceMaxMs) {
        broke(fault('KAFKA_CLIENT_SILENT', { group, seconds: Math.round(silentMs / 1000) }))
      }
    },
    Math.min(1000, silenceMaxMs),
  )
  watchdog.unref()
  const drain = (): void => {
    end(signal.reason)
    inbox.end()
  }
  signal.addEventListener('abort', drain, { once: true })

  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: refuse }).catch(broke)
    yield* inbox
  } catch (error) {
    throw kafkaFault(error, brokers, topic)
  } finally {
    clearInterval(watchdog)
    signal.removeEventListener('abort', drain)
    end(signal.aborted ? signal.reason : fault('OWNERSHIP_LOST', { group, log: topic }))
    await within(3000, consumer.disconnect())
  }
}

async function refuse(): Promise<void> {
  throw fault('DEFECT', { what: 'a record came through the group, which is for ownership only' })
}

/** Waits for `work` a bounded time; a client that cannot end by itself is left to its closed sockets. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([
    work.catch(() => undefined),
    new Promise((resolve) => {
      timer = setTimeout(resolve, ms)
    }),
  ])
  clearTimeout(timer)
}
