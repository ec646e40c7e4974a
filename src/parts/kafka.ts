import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import type { ClassArchive } from './class-archive.ts'
import { javaCommand, runJava } from './java.ts'
import type { Part } from './part.ts'
import { formatProperties } from './properties.ts'

export interface KafkaOptions {
  /** The fetched archive. */
  readonly lib: string
  /** Folder for configuration and data. */
  readonly folder: string
  readonly port: number
  readonly classes?: ClassArchive | undefined
  readonly controllerPort: number
}

/** One Kafka node, broker and controller in one process (KRaft). */
export function kafkaPart(options: KafkaOptions): Part {
  const config = join(options.folder, 'server.properties')
  const address = `127.0.0.1:${options.port}`
  return {
    name: 'kafka',
    port: options.port,
    address,
    readyWithinMs: 90_000,
    ended: (clean) => options.classes?.settle(clean),
    stopSignals: [{ signal: 'SIGTERM', waitMs: 20_000 }],
    async prepare(context) {
      await mkdir(options.folder, { recursive: true })
      await writeFile(config, formatProperties(brokerProperties(options)))
      await writeFile(join(options.folder, 'log4j2.yaml'), logging)
      if (existsSync(join(options.folder, 'data', 'meta.properties'))) return
      const id = randomBytes(16).toString('base64url').replace(/^-/, 'A')
      await runJava(
        {
          jars: options.lib,
          main: 'kafka.tools.StorageTool',
          args: ['format', '-t', id, '-c', config],
          what: 'format the storage of kafka',
        },
        context,
      )
    },
    command: () =>
      javaCommand({
        classes: options.classes,
        jars: options.lib,
        main: 'kafka.Kafka',
        args: [config],
        heapMb: [256, 512],
        options: [`-Dlog4j2.configurationFile=${join(options.folder, 'log4j2.yaml')}`],
      }),
    probe: () => withAdmin([address], (admin) => admin.describeCluster().then(() => undefined)),
  }
}

type Admin = ReturnType<Kafka['admin']>

/** Runs one piece of work with an admin client that neither retries nor outlives it. */
export async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({
    clientId: 'millrace-parts',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

function brokerProperties({ folder, port, controllerPort }: KafkaOptions): Record<string, string | number | boolean> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    // Everything is created by `apply`, explicitly.
    'auto.create.topics.enable': false,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // One node serves one project: few partitions open faster than the default fifty.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    // A group of one must not wait for company.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 3000,
    // A killed broker may not come back before its last session is over; the default makes that nine seconds.
    'broker.session.timeout.ms': 4000,
    'broker.heartbeat.interval.ms': 500,
    'log.cleaner.dedupe.buffer.size': 33_554_432,
    'num.network.threads': 2,
    'num.io.threads': 4,
  }
}

const logging = `Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{ISO8601} %p %m (%c{1})%n%throwable{20}"
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
`
