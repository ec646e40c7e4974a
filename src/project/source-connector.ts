import { decoderProperties } from '../contract/debezium/properties.ts'
import type { PostgresSource } from '../declare/postgres-source.ts'
import type { PostgresLocation } from './address.ts'
import type { ConnectorConfig } from './ports.ts'
import { sourceNames } from './source-names.ts'

/** What a source's connector is rendered from, besides its declaration. */
export interface SourceSurroundings {
  /** The source's name. */
  readonly name: string
  /** The project's name, by which its connectors are found again. */
  readonly project: string
  readonly database: PostgresLocation
  readonly brokers: readonly string[]
  /** The registry's base URL, as Connect reaches it. */
  readonly registryUrl: string
  /** How Connect's config provider spells the secret of that name. */
  readonly secretReference: (name: string) => string
  /** What stands for an unchanged value in the log. */
  readonly placeholder: string
}

export const debeziumPostgresClass = 'io.debezium.connector.postgresql.PostgresConnector'
/** Properties of ours in a connector's configuration; Connect passes them by. */
export const marked = {
  project: 'millrace.project',
  secret: 'millrace.secret',
  historyDays: 'millrace.history.days',
  /** Fingerprint of all other properties as they were applied last. */
  applied: 'millrace.applied',
} as const

export const avroConverterClass = 'io.apicurio.registry.utils.converter.AvroConverter'

/**
 * The Kafka Connect configuration of a source: everything it commits goes into `<source>.log`, once, in commit order. Holds no
 * secret, only how Connect finds it.
 */
export function renderSourceConnector(source: PostgresSource, to: SourceSurroundings): ConnectorConfig {
  const names = sourceNames(to.name, source)
  return sorted({
    'connector.class': debeziumPostgresClass,
    'tasks.max': '1',
    ...marks(source, to),
    ...databaseProperties(source, to),
    ...exactlyOnce,
    ...wholeLog(names),
    ...loads(names, to.brokers),
    ...heartbeat(source, names),
    ...failing,
    ...decoderProperties,
    'unavailable.value.placeholder': to.placeholder,
    ...converter('key', to.registryUrl),
    ...converter('value', to.registryUrl),
    ...producer(source),
    ...speed(source),
    ...source.debezium,
  })
}

/**
 * By which `plan` recognises the connector as the project's, finds the password of a source that nobody declares any more, and tells
 * what others changed on the log from what the declaration changed.
 */
function marks(source: PostgresSource, to: SourceSurroundings): ConnectorConfig {
  return {
    [marked.project]: to.project,
    [marked.secret]: to.database.secret,
    [marked.historyDays]: String(source.historyDays ?? 7),
  }
}

function databaseProperties(source: PostgresSource, to: SourceSurroundings): ConnectorConfig {
  const names = sourceNames(to.name, source)
  const { host, port, database, user, secret, sslmode } = to.database
  return {
    'database.hostname': host,
    'database.port': String(port),
    'database.dbname': database,
    'database.user': user,
    'database.password': to.secretReference(secret),
    ...(sslmode === undefined ? {} : { 'database.sslmode': sslmode }),
    'plugin.name': 'pgoutput',
    'slot.name': names.slot,
    'publication.name': names.publication,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': source.tables.map(tablePattern).join(','),
    'snapshot.mode': 'initial',
    // A slot that was made anew, or a server restored to an older state, stops the connector instead of leaving a gap.
    'offset.mismatch.strategy': 'trust_offset',
  }
}

const exactlyOnce: ConnectorConfig = {
  'exactly.once.support': 'required',
  'transaction.boundary': 'poll',
}

/** Everything the source commits, routed into one topic of one partition. */
function wholeLog(names: { readonly prefix: string; readonly log: string }): ConnectorConfig {
  return {
    'topic.prefix': names.prefix,
    transforms: 'log',
    'transforms.log.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.log.regex': `${escapePattern(names.prefix)}\\..*`,
    'transforms.log.replacement': names.log,
  }
}

/** Snapshots are asked for through a topic, without writing to the source, and their notices stand in the log. */
function loads(
  names: { readonly prefix: string; readonly signals: string },
  brokers: readonly string[],
): ConnectorConfig {
  return {
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': `${names.prefix}.notifications`,
    'signal.enabled.channels': 'kafka',
    'signal.kafka.topic': names.signals,
    'signal.kafka.bootstrap.servers': brokers.join(','),
    'signal.kafka.groupId': names.signals,
    'read.only': 'true',
  }
}

/** Commits the server's identity into its own WAL: an idle source's slot moves on, and readers learn whose log it is. */
function heartbeat(source: PostgresSource, names: { readonly prefix: string }): ConnectorConfig {
  return {
    'heartbeat.interval.ms': String(source.heartbeatMs ?? 10_000),
    'heartbeat.action.query': identityQuery,
    'topic.heartbeat.name': `${names.prefix}.heartbeat`,
  }
}

const identityQuery =
  "SELECT pg_catalog.pg_logical_emit_message(true, 'millrace', " +
  "pg_catalog.json_build_object('systemIdentifier', s.system_identifier::text, 'timeline', c.timeline_id)::text) " +
  'FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c'

/** A record that cannot be written stops the task; nothing is left out silently. */
const failing: ConnectorConfig = { 'errors.tolerance': 'none' }

function converter(of: 'key' | 'value', registryUrl: string): ConnectorConfig {
  const settings = {
    '': avroConverterClass,
    '.apicurio.registry.url': `${registryUrl.replace(/\/+$/, '')}/apis/registry/v2`,
    '.apicurio.registry.artifact-resolver-strategy': 'io.apicurio.registry.serde.avro.strategy.RecordIdStrategy',
    '.apicurio.registry.auto-register': 'true',
    '.apicurio.registry.find-latest': 'true',
    '.apicurio.registry.as-confluent': 'true',
    // Ids as the registry's Confluent API resolves them; global ids differ as soon as the registry has history.
    '.apicurio.registry.use-id': 'contentId',
    '.apicurio.registry.headers.enabled': 'false',
  }
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${of}.converter${name}`, value]))
}

/** Room for the framing around a record of the largest size, in bytes. */
const framingBytes = 65_536

function producer(source: PostgresSource): ConnectorConfig {
  const requestBytes = requestBytesMax(source)
  return {
    'producer.override.max.request.size': String(requestBytes),
    'producer.override.buffer.memory': String(Math.max(33_554_432, 2 * requestBytes)),
    // Readers in Node read gzip and nothing else; uncompressed is what they read fastest.
    'producer.override.compression.type': 'none',
    // What a killed capture leaves open, readers and its own successor wait for: 63 s of silence were seen with a minute here. A
    // transaction is one poll, far shorter.
    'producer.override.transaction.timeout.ms': '15000',
  }
}

/** Defaults a declaration may change. */
function speed(source: PostgresSource): ConnectorConfig {
  return {
    'poll.interval.ms': String(source.pollMs ?? 10),
    'max.queue.size.in.bytes': String(Math.max(67_108_864, 2 * recordBytesMax(source))),
    // A worker that was killed holds its slot until the server notices; its successor tries again soon, for two minutes.
    'slot.retry.delay.ms': '1000',
    'slot.max.retries': '120',
    'retriable.restart.connector.wait.ms': '2000',
  }
}

/** The largest request to the log, in bytes: what its topic takes and its readers make room for. */
export function requestBytesMax(source: PostgresSource): number {
  return recordBytesMax(source) + framingBytes
}

function recordBytesMax(source: PostgresSource): number {
  return source.recordBytesMax ?? 16_777_216
}

/** Debezium takes the list as patterns, parted by commas, that must match the whole name. */
function tablePattern(table: string): string {
  return escapePattern(table).replaceAll(',', '\\,')
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function sorted(config: ConnectorConfig): ConnectorConfig {
  return Object.fromEntries(Object.entries(config).sort(([left], [right]) => (left < right ? -1 : 1)))
}
