import type { LogBatch, LogPort, Tenure } from '../../engine/ports.ts'
import { fault } from '../../errors.ts'
import { type KafkaAddress, kafkaClient } from './client.ts'
import { type LogReader, type LogReaderOptions, openLogReader } from './log-reader.ts'
import { ownerships } from './ownership.ts'

export interface KafkaLogOptions extends KafkaAddress {
  /** The log's topic: `<source>.log`. */
  readonly topic: string
  /** Most bytes of one fetch. Default 4 MiB; two fetches are in memory at most, whatever a transaction's size. */
  readonly fetchBytesMax?: number
  /** Default 6 s, the least that brokers accept unless told otherwise: what a standby waits after its owner was killed. */
  readonly sessionTimeoutMs?: number
  /** How long no broker may answer before that is an error. Default 10 s. */
  readonly unreachableAfterMs?: number
  /** How long kafkajs may show no sign of life before it is made anew. Default 45 s, longer than any rebalance here. */
  readonly silenceMaxMs?: number
}

/**
 * The longest a fetch waits at the broker for something to read. Short on purpose: a waiting read_committed fetch is not always
 * woken when a transaction commits, so this, not the broker, bounds the latency of a lone transaction (500 ms here gave a p99 of
 * 300 ms, 10 ms one of 50 ms).
 */
const waitMs = 10
/** After `quietAfterMs` without a record: a hundred empty fetches a second cost five percent of a core, twenty do not show. */
const quietWaitMs = 50
const quietAfterMs = 5000

/** A source's log in Kafka: read_committed, by explicit offsets; a consumer group says who owns it, and nothing else. */
export function kafkaLog(options: KafkaLogOptions): LogPort {
  const kafka = kafkaClient(options)
  const { brokers, topic } = options
  const reading: LogReaderOptions = {
    kafka,
    brokers,
    topic,
    fetchBytesMax: options.fetchBytesMax ?? 4 * 1024 * 1024,
    unreachableAfterMs: options.unreachableAfterMs ?? 10_000,
  }
  return {
    async *tenures(group, signal) {
      const owned = ownerships(
        {
          kafka,
          brokers,
          topic,
          group,
          logger: options.logger,
          sessionTimeoutMs: options.sessionTimeoutMs ?? 6000,
          silenceMaxMs: options.silenceMaxMs ?? 45_000,
        },
        signal,
      )
      for await (const ownership of owned) {
        if (ownership.aborted) continue
        const reader = await openLogReader(reading)
        // A fetch under way ends with its connection, so that losing ownership interrupts a reader that waits.
        const close = (): void => void reader.close()
        ownership.addEventListener('abort', close, { once: true })
        try {
          yield tenure(reader, topic, ownership)
        } finally {
          ownership.removeEventListener('abort', close)
          await reader.close()
        }
      }
    },
  }
}

function tenure(reader: LogReader, topic: string, signal: AbortSignal): Tenure {
  return {
    signal,
    range: () => reader.range(),
    async *read(from) {
      const { first, next } = await reader.range()
      if (from < first || from > next) throw fault('LOG_SHORTER', { log: topic, from, first, next })
      yield* batches(reader, from, signal)
    },
  }
}

/** One fetch is under way while the last one is worked on: that is the whole read-ahead. */
async function* batches(reader: LogReader, from: bigint, signal: AbortSignal): AsyncGenerator<LogBatch> {
  let ahead = reader.fetch(from, waitMs)
  let told: LogBatch | undefined
  let lastRecord = performance.now()
  try {
    while (!signal.aborted) {
      const batch = await ahead
      const now = performance.now()
      if (batch.records.length > 0) lastRecord = now
      ahead = reader.fetch(batch.nextOffset, now - lastRecord > quietAfterMs ? quietWaitMs : waitMs)
      // Its failure is met at the next turn; if there is none, nobody minds.
      ahead.catch(() => undefined)
      const news =
        batch.records.length > 0 || batch.nextOffset !== told?.nextOffset || batch.endOffset !== told.endOffset
      if (!news) continue
      told = { records: [], nextOffset: batch.nextOffset, endOffset: batch.endOffset }
      yield batch
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
