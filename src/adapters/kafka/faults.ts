import { fault, isMillraceError, type MillraceError, messageOf } from '../../errors.ts'

/** What kafkajs threw, as an error of ours. `topic` is the one that was asked for. */
export function kafkaFault(thrown: unknown, brokers: readonly string[], topic: string): MillraceError {
  if (isMillraceError(thrown)) return thrown
  const root = rootOf(thrown)
  const address = brokers.join(', ')
  if (root.type === 'UNKNOWN_TOPIC_OR_PARTITION') return fault('LOG_MISSING', { log: topic, brokers: address }, thrown)
  if (root.name === 'KafkaJSSASLAuthenticationError' || /_AUTHORIZATION_FAILED$/.test(root.type ?? '')) {
    return fault('KAFKA_DENIED', { brokers: address, reason: messageOf(root) }, thrown)
  }
  if (unreachable.has(root.name) || root.code !== undefined) {
    return fault('KAFKA_UNREACHABLE', { brokers: address, reason: messageOf(root) }, thrown)
  }
  return fault('KAFKA_FAILED', { brokers: address, topic, reason: messageOf(root) }, thrown)
}

const unreachable = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
])

interface KafkaError extends Error {
  /** Kafka's name of the error, when a broker answered with one. */
  readonly type?: string
  /** The operating system's, when a socket failed. */
  readonly code?: string | number
}

/** kafkajs wraps what happened in "the number of retries exceeded": the culprit is inside. */
function rootOf(thrown: unknown): KafkaError {
  let error = thrown
  while (error instanceof Error && error.name === 'KafkaJSNumberOfRetriesExceeded' && error.cause instanceof Error) {
    error = error.cause
  }
  const found = error instanceof Error ? error : new Error(messageOf(thrown))
  // Broker errors have a numeric code as well; only the socket's is a word.
  if (typeof (found as KafkaError).code === 'number') Object.defineProperty(found, 'code', { value: undefined })
  return found as KafkaError
}
