import { join } from 'node:path'
import kafkajs from 'kafkajs'
import type { ClassArchive } from './class-archive.ts'
import { javaCommand } from './java.ts'
import { withAdmin } from './kafka.ts'
import type { Part } from './part.ts'

export interface RegistryOptions {
  readonly lib: string
  readonly port: number
  readonly classes?: ClassArchive | undefined
  /** `host:port` of the brokers it stores in. */
  readonly kafka: readonly string[]
}

const topics = { journal: 'kafkasql-journal', snapshots: 'kafkasql-snapshots', events: 'registry-events' }

/** The Apicurio schema registry, stored in Kafka. */
export function registryPart(options: RegistryOptions): Part {
  const address = `http://127.0.0.1:${options.port}`
  const settings: Record<string, string | number | boolean> = {
    'apicurio.storage.kind': 'kafkasql',
    'apicurio.kafkasql.bootstrap.servers': options.kafka.join(','),
    'apicurio.kafkasql.topic': topics.journal,
    'apicurio.kafkasql.topic.auto-create': false,
    'apicurio.kafkasql.snapshots.topic': topics.snapshots,
    // It waits so long for a snapshot at each start, and ours has none: a journal of schemas is short.
    'apicurio.kafkasql.consumer.poll.timeout': 200,
    'apicurio.kafkasql.snapshot.every.seconds': '876000h',
    'apicurio.events.kafka.topic': topics.events,
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': options.port,
    'quarkus.banner.enabled': false,
  }
  return {
    name: 'registry',
    port: options.port,
    address,
    readyWithinMs: 120_000,
    ended: (clean) => options.classes?.settle(clean),
    stopSignals: [{ signal: 'SIGTERM', waitMs: 10_000 }],
    prepare: () => createTopics(options.kafka),
    command: () =>
      javaCommand({
        classes: options.classes,
        jar: join(options.lib, 'apicurio-registry-app-3.0.9-runner.jar'),
        heapMb: [64, 384],
        // Mostly idle: quick compilation is worth more to it than fast code.
        options: ['-XX:TieredStopAtLevel=1', ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`)],
      }),
    probe: (signal) => expectOk(`${address}/health/ready`, signal),
  }
}

/**
 * The registry would make its topics with the broker's default retention, and forget every schema after a week: they are made
 * here first, kept for ever.
 */
async function createTopics(brokers: readonly string[]): Promise<void> {
  const kept = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' }
  await withAdmin(brokers, async (admin) => {
    const existing = new Set(await admin.listTopics())
    const names = Object.values(topics)
    const missing = names.filter((topic) => !existing.has(topic))
    if (missing.length > 0) {
      await admin.createTopics({
        topics: missing.map((topic) => ({
          topic,
          numPartitions: 1,
          // The broker's default: one on ours.
          replicationFactor: -1,
          configEntries: Object.entries(kept).map(([name, value]) => ({ name, value })),
        })),
      })
    }
    const present = names.filter((topic) => existing.has(topic))
    if (present.length === 0) return
    await admin.alterConfigs({
      validateOnly: false,
      resources: present.map((topic) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: Object.entries(kept).map(([name, value]) => ({ name, value })),
      })),
    })
  })
}

/** Resolves when the address answers a GET with success. */
export async function expectOk(url: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })
  await answer.arrayBuffer()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
}
