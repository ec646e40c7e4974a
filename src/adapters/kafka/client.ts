import { Kafka, type LogEntry, logLevel } from 'kafkajs'

/** Where the adapters of this folder write what a person may want to know. pino's loggers fit. */
export interface KafkaLogger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export interface KafkaAddress {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[]
  /** Shown in the broker's logs. */
  readonly clientId?: string
  readonly logger?: KafkaLogger
}

/** How long kafkajs tries by itself before the caller hears of it: about three seconds. */
const retry = { initialRetryTime: 100, maxRetryTime: 1000, multiplier: 2, retries: 5 }

/** The one place that makes a kafkajs client. Nothing connects yet. */
export function kafkaClient({ brokers, clientId = 'millrace', logger }: KafkaAddress): Kafka {
  return new Kafka({
    clientId,
    brokers: [...brokers],
    retry,
    connectionTimeout: 3000,
    // A broker that hangs is found by this, not by a closed socket.
    requestTimeout: 15_000,
    logLevel: logger === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator: () => (entry) => logger !== undefined && passOn(entry, logger),
  })
}

/**
 * kafkajs shouts ERROR for what it then heals by itself: a retried request, a rebalance, a broker that is just starting. What it
 * cannot heal reaches its caller as an exception, so its own lines are never more than hints here.
 */
function passOn({ namespace, level, log }: LogEntry, logger: KafkaLogger): void {
  const { message, timestamp: _timestamp, stack: _stack, logger: _logger, ...facts } = log
  if (noise.test(message)) return
  const line = `kafka client: ${message}`
  const context = { client: namespace, ...facts }
  if (level <= logLevel.WARN) logger.debug(context, line)
}

const noise = /TimeoutNegativeWarning|^Response (Heartbeat|JoinGroup|SyncGroup)|group is rebalancing|^Pausing fetching/
