import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClassArchive } from './class-archive.ts'
import { javaCommand } from './java.ts'
import type { Part } from './part.ts'
import { formatProperties } from './properties.ts'
import { expectOk } from './registry.ts'

export interface ConnectOptions {
  /** The Kafka archive, which holds Connect too. */
  readonly lib: string
  /** Folders of plugins. */
  readonly plugins: readonly string[]
  readonly folder: string
  readonly port: number
  readonly classes?: ClassArchive | undefined
  readonly kafka: readonly string[]
  /** Folder whose files connectors may refer to as `${dir:<folder>:<name>}`. */
  readonly secrets: string
}

/** One Kafka Connect worker in distributed mode, with exactly-once sources. */
export function connectPart(options: ConnectOptions): Part {
  const config = join(options.folder, 'connect.properties')
  const address = `http://127.0.0.1:${options.port}`
  return {
    name: 'connect',
    port: options.port,
    address,
    readyWithinMs: 120_000,
    ended: (clean) => options.classes?.settle(clean),
    stopSignals: [{ signal: 'SIGTERM', waitMs: 20_000 }],
    async prepare() {
      await mkdir(options.folder, { recursive: true })
      await writeFile(config, formatProperties(workerProperties(options)))
      await writeFile(join(options.folder, 'log4j2.yaml'), logging)
    },
    command: () =>
      javaCommand({
        classes: options.classes,
        jars: options.lib,
        main: 'org.apache.kafka.connect.cli.ConnectDistributed',
        args: [config],
        heapMb: [256, 1024],
        options: [`-Dlog4j2.configurationFile=${join(options.folder, 'log4j2.yaml')}`],
      }),
    // The list of connectors is answered only once the worker has joined its group and read its topics.
    probe: (signal) => expectOk(`${address}/connectors`, signal),
  }
}

function workerProperties(options: ConnectOptions): Record<string, string | number | boolean> {
  return {
    'bootstrap.servers': options.kafka.join(','),
    'group.id': 'millrace-connect',
    'exactly.once.source.support': 'enabled',
    'plugin.path': options.plugins.join(','),
    // Every plugin lists itself; looking for others in all classes takes longer than all else together.
    'plugin.discovery': 'service_load',
    listeners: `http://127.0.0.1:${options.port}`,
    'rest.advertised.host.name': '127.0.0.1',
    'rest.advertised.port': options.port,
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'config.storage.topic': 'millrace-connect-configs',
    'config.storage.replication.factor': -1,
    'offset.storage.topic': 'millrace-connect-offsets',
    'offset.storage.replication.factor': -1,
    'offset.storage.partitions': 1,
    'status.storage.topic': 'millrace-connect-status',
    'status.storage.replication.factor': -1,
    'status.storage.partitions': 1,
    'config.providers': 'dir',
    'config.providers.dir.class': 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
    'config.providers.dir.param.allowed.paths': options.secrets,
    // One worker: nobody else could take its tasks, so its return must not be waited for.
    'scheduled.rebalance.max.delay.ms': 0,
    // A killed worker is forgotten while its successor boots.
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
    // A worker that was killed is back before its old session ends, and the group then waits this long for the dead one to join.
    'rebalance.timeout.ms': 10_000,
    'task.shutdown.graceful.timeout.ms': 5000,
  }
}

const logging = `Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{ISO8601} %p %X{connector.context}%m (%c{1})%n%throwable{30}"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        ref: out
    Logger:
      - name: org.apache.kafka.clients
        level: WARN
      - name: org.apache.kafka.common.config.AbstractConfig
        level: WARN
      - name: org.apache.kafka.connect.runtime.WorkerConfig
        level: WARN
      - name: org.reflections
        level: ERROR
`
