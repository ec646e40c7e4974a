import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectApi } from '../adapters/connect/connect-api.ts'
import { kafkaTopicAdmin } from '../adapters/kafka/admin.ts'
import type { KafkaLogger } from '../adapters/kafka/client.ts'
import { kafkaLog } from '../adapters/kafka/log.ts'
import { kafkaSignals } from '../adapters/kafka/signals.ts'
import type { PostgresConnection } from '../adapters/postgres/connection.ts'
import { postgresSyncSink } from '../adapters/postgres/sink.ts'
import { postgresSourceDatabase } from '../adapters/postgres/source.ts'
import { postgresSinkDatabase } from '../adapters/postgres/target.ts'
import { registryApi } from '../adapters/registry/registry-api.ts'
import { debeziumLogDecoder } from '../contract/debezium/log-decoder.ts'
import type { AnySync } from '../declare/sync.ts'
import { mapSync, tableReadings } from '../engine/mapping.ts'
import type { SyncObserver } from '../engine/observe.ts'
import type { Clock, SyncSink } from '../engine/ports.ts'
import type { SyncRun } from '../engine/sync-run.ts'
import { fault } from '../errors.ts'
import * as millrace from '../index.ts'
import * as operators from '../operators.ts'
import { type PartAddresses, readParts, secretsFolder } from '../parts/index.ts'
import {
  type Declared,
  loadProject,
  locate,
  type Platform,
  type PostgresLocation,
  type Project,
  sourceNames,
} from '../project/index.ts'
import * as testing from '../testing.ts'

/** Reads a project; its declarations get this program's own modules, so that there is one copy of millrace. */
export function openProject(folder: string): Promise<Project> {
  return loadProject(folder, { millrace, 'millrace/operators': operators, 'millrace/testing': testing })
}

/** A secret's value: the environment's, else the file's under `.millrace/secrets`; undefined when neither has one. */
export function secretValue(folder: string, name: string): string | undefined {
  const given = process.env[name]
  if (given !== undefined && given !== '') return given
  try {
    const stored = readFileSync(join(secretsFolder(folder), name), 'utf8').trimEnd()
    return stored === '' ? undefined : stored
  } catch {
    return undefined
  }
}

/** Where the project's systems are. Throws `PARTS_NOT_RUNNING` when some are embedded and were never started. */
export function addressesOf(project: Project): PartAddresses {
  const { addresses, parts } = readParts(project.folder, project.config)
  if (addresses !== undefined) return addresses
  const missing = parts.map(({ name }) => name).join(', ')
  throw fault('PARTS_NOT_RUNNING', { folder: project.folder, missing })
}

/** The doors to everything the project stands on. */
export function openPlatform(project: Project, addresses: PartAddresses = addressesOf(project)): Platform {
  const { folder, config } = project
  const template = config.connect === undefined ? `\${dir:${secretsFolder(folder)}:{name}}` : config.connect.secret
  return {
    brokers: addresses.kafka,
    connectUrl: addresses.connect,
    registryUrl: addresses.registry,
    database: (name) => addresses.databases[name],
    secretReference: template === undefined ? null : (name) => template.replaceAll('{name}', name),
    deliverSecrets: async (names) => {
      if (config.connect === undefined) for (const name of names) deliverSecret(folder, name)
    },
    topics: kafkaTopicAdmin({ brokers: addresses.kafka }),
    connect: connectApi({ url: addresses.connect }),
    registry: registryApi({ url: addresses.registry }),
    source: (at) => postgresSourceDatabase(connectionTo(folder, at)),
    sink: (at) => postgresSinkDatabase(connectionTo(folder, at)),
  }
}

/** Puts a secret that only the environment has where the embedded Connect reads it. */
function deliverSecret(folder: string, name: string): void {
  const value = secretValue(folder, name)
  if (value === undefined) throw fault('SECRET_MISSING', { name })
  const file = join(secretsFolder(folder), name)
  mkdirSync(secretsFolder(folder), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.draft`, value, { mode: 0o600 })
  renameSync(`${file}.draft`, file)
}

/** How to enter a database; throws `SECRET_MISSING` when its password has no value. */
export function connectionTo(folder: string, at: PostgresLocation): PostgresConnection {
  const password = secretValue(folder, at.secret)
  if (password === undefined) throw fault('SECRET_MISSING', { name: at.secret })
  const { host, port, database, user, sslmode } = at
  return { host, port, database, user, password, ...(sslmode === undefined ? {} : { sslmode }) }
}

/** Everything one sync needs to run in this worker. `close` lets go of what was opened for it. */
export function wireSync(options: {
  readonly project: Project
  readonly addresses: PartAddresses
  readonly sync: Declared<AnySync>
  readonly observe: SyncObserver
  readonly logger: KafkaLogger
  readonly signal: AbortSignal
}): { readonly run: SyncRun; close(): Promise<void> } {
  const { project, addresses, sync, observe, logger, signal } = options
  const mapping = mapSync(sync.name, sync.declaration)
  const { source } = mapping
  const at = locate(sync.declaration.to, (name) => addresses.databases[name])
  if (at === undefined)
    throw fault('PARTS_NOT_RUNNING', { folder: project.folder, missing: sync.declaration.to.database ?? '' })
  const placeholder = project.placeholders.get(source)
  if (placeholder === undefined) {
    throw fault('DECLARATION_LOAD', {
      file: `schemas/${source}/source.json`,
      reason: 'it is missing; run `millrace types`',
    })
  }
  const kafka = { brokers: addresses.kafka, clientId: `millrace ${sync.name}`, logger }
  const names = sourceNames(source, project.sources.find(({ name }) => name === source)?.declaration)
  const log = kafkaLog({ ...kafka, topic: names.log })
  const registry = registryApi({ url: addresses.registry })
  const sink: SyncSink = postgresSyncSink({
    connection: connectionTo(project.folder, at),
    sync: sync.name,
    source,
    targets: mapping.tables.map(({ target }) => target),
  })
  return {
    run: {
      sync: mapping,
      // The group says which project's sync it is: others may use the same Kafka.
      log: { tenures: (group, until) => log.tenures(`millrace.${project.name}.${group}`, until) },
      decoder: debeziumLogDecoder({
        tables: tableReadings(mapping),
        placeholder,
        fetchSchema: async (id) => JSON.parse(await registry.schema(id)),
      }),
      sink,
      signals: kafkaSignals({ ...kafka, source, topic: names.signals }),
      clock: systemClock,
      observe,
      signal,
    },
    close: () => sink.close(),
  }
}

const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  random: () => Math.random(),
}
