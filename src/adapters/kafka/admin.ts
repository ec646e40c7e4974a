import type { Admin } from 'kafkajs'
import kafkajs from 'kafkajs'
import type { TopicAdmin, TopicSpec, TopicState } from '../../project/ports.ts'
import { type KafkaAddress, kafkaClient } from './client.ts'
import { kafkaFault } from './faults.ts'

/** Where Kafka says a setting comes from: set for this topic, and not a default of broker or cluster. */
const ofTopic = 1
const newTopicMs = 15_000

/** Kafka's topics through kafkajs. Connects at the first call and stays connected until `close`. */
export function kafkaTopicAdmin(address: KafkaAddress): TopicAdmin {
  const admin = kafkaClient(address).admin()
  let connected: Promise<void> | undefined

  const ask = async <Answer>(topic: string, question: () => Promise<Answer>): Promise<Answer> => {
    try {
      connected ??= admin.connect()
      await connected
      return await question()
    } catch (thrown) {
      // A connection that failed is tried anew by the next call.
      connected = undefined
      throw kafkaFault(thrown, address.brokers, topic)
    }
  }

  return {
    describe: (names) => ask(names.join(', '), () => describeTopics(admin, names)),
    create: (topics) => ask(topics.map(({ name }) => name).join(', '), () => createTopics(admin, topics)),
    configure: (name, configs) =>
      ask(name, async () => {
        const current = (await describeTopics(admin, [name])).get(name)
        // Kafka resets every setting that this request leaves out.
        await admin.alterConfigs({
          validateOnly: false,
          resources: [resource(name, { ...current?.configs, ...configs })],
        })
      }),
    delete: (names) =>
      ask(names.join(', '), async () => {
        const present = await existing(admin, names)
        if (present.length > 0) await admin.deleteTopics({ topics: [...present] })
      }),
    range: (name) =>
      ask(name, async () => {
        if ((await existing(admin, [name])).length === 0) return null
        const partition = (await admin.fetchTopicOffsets(name)).find((offsets) => offsets.partition === 0)!
        return { first: BigInt(partition.low), next: BigInt(partition.high) }
      }),
    async close() {
      if (connected !== undefined) await admin.disconnect().catch(() => undefined)
      connected = undefined
    },
  }
}

async function existing(admin: Admin, names: readonly string[]): Promise<readonly string[]> {
  const all = new Set(await admin.listTopics())
  return names.filter((name) => all.has(name))
}

async function describeTopics(admin: Admin, names: readonly string[]): Promise<ReadonlyMap<string, TopicState>> {
  const present = await existing(admin, names)
  if (present.length === 0) return new Map()
  const { topics } = await admin.fetchTopicMetadata({ topics: [...present] })
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: present.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  return new Map(
    topics.map(({ name, partitions }) => {
      const entries = described.resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? []
      const configs = entries
        .filter((entry) => Number(entry.configSource) === ofTopic)
        .map((entry): [string, string] => [entry.configName, entry.configValue])
      const replicas = Math.min(...partitions.map((partition) => partition.replicas.length))
      return [name, { name, partitions: partitions.length, replicas, configs: Object.fromEntries(configs) }]
    }),
  )
}

async function createTopics(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  const present = new Set(
    await existing(
      admin,
      topics.map(({ name }) => name),
    ),
  )
  const missing = topics.filter(({ name }) => !present.has(name))
  if (missing.length === 0) return
  await admin.createTopics({
    waitForLeaders: true,
    timeout: newTopicMs,
    topics: missing.map(({ name, partitions, configs }) => ({
      topic: name,
      numPartitions: partitions,
      replicationFactor: -1,
      configEntries: entriesOf(configs),
    })),
  })
}

function resource(
  name: string,
  configs: Readonly<Record<string, string>>,
): { type: number; name: string; configEntries: { name: string; value: string }[] } {
  return { type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: entriesOf(configs) }
}

function entriesOf(configs: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(configs).map(([name, value]) => ({ name, value }))
}
