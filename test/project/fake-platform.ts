import type { PostgresLocation } from '../../src/project/address.ts'
import type { Platform } from '../../src/project/platform.ts'
import type {
  ConfigError,
  ConnectorConfig,
  ConnectorState,
  ConnectorTaskState,
  ConnectPlugin,
  SinkReport,
  SourceReport,
  Statement,
  StoredPosition,
  TopicState,
} from '../../src/project/ports.ts'
import { avroConverterClass, debeziumPostgresClass } from '../../src/project/source-connector.ts'

/** Kafka, Connect, a registry and databases that live in this object; tests look at it and change it. */
export class FakePlatform implements Platform {
  readonly brokers = ['kafka:9092']
  readonly connectUrl = 'http://connect:8083'
  readonly registryUrl = 'http://registry:8080'
  secretReference: ((name: string) => string) | null = (name) => `\${dir:/secrets:${name}}`
  readonly delivered: string[] = []
  /** What was done, in order. */
  readonly did: string[] = []

  readonly topicStates = new Map<string, TopicState>()
  replicas = 1
  readonly running = new Map<string, { config: ConnectorConfig; state: string; tasks: ConnectorTaskState[] }>()
  plugins: ConnectPlugin[] = [
    { class: debeziumPostgresClass, type: 'source', version: '3.7.0.Final' },
    { class: avroConverterClass, type: 'converter', version: null },
    { class: 'org.apache.kafka.connect.file.FileStreamSinkConnector', type: 'sink', version: '4.3.1' },
  ]
  configErrors: ConfigError[] = []
  /** What a connector's task is after it was put or restarted. */
  taskAfterStart: ConnectorTaskState = { id: 0, state: 'RUNNING', trace: null }
  mode = 'NONE'
  sourceReport: SourceReport = emptySource
  sinkReport: SinkReport = emptySink
  stored: StoredPosition[] = []
  /** Thrown by every call to that system. */
  down: { topics?: Error; connect?: Error; registry?: Error } = {}

  database = (name: string) => ({ host: '127.0.0.1', port: name === 'shop' ? 5401 : 5402, database: name })

  async deliverSecrets(names: readonly string[]): Promise<void> {
    this.delivered.push(...names)
  }

  readonly topics: Platform['topics'] = {
    describe: async (names) => {
      if (this.down.topics) throw this.down.topics
      return new Map([...this.topicStates].filter(([name]) => names.includes(name)))
    },
    create: async (topics) => {
      for (const { name, partitions, configs } of topics) {
        this.did.push(`create topic ${name}`)
        this.topicStates.set(name, { name, partitions, replicas: this.replicas, configs })
      }
    },
    configure: async (name, configs) => {
      this.did.push(`configure topic ${name} ${Object.keys(configs).join(',')}`)
      const state = this.topicStates.get(name)!
      this.topicStates.set(name, { ...state, configs: { ...state.configs, ...configs } })
    },
    delete: async (names) => {
      for (const name of names) if (this.topicStates.delete(name)) this.did.push(`delete topic ${name}`)
    },
    range: async (name) => (this.topicStates.has(name) ? { first: 10n, next: 1210n } : null),
    close: async () => undefined,
  }

  readonly connect: Platform['connect'] = {
    plugins: async () => {
      if (this.down.connect) throw this.down.connect
      return this.plugins
    },
    connectors: async () => new Map([...this.running.keys()].map((name) => [name, this.connectorState(name)!])),
    connector: async (name) => this.connectorState(name),
    validate: async () => this.configErrors,
    put: async (name, config) => {
      this.did.push(`put connector ${name}`)
      this.running.set(name, { config, state: 'RUNNING', tasks: [this.taskAfterStart] })
    },
    snapshotting: async () => false,
    restart: async (name) => {
      this.did.push(`restart connector ${name}`)
      this.running.set(name, { ...this.running.get(name)!, state: 'RUNNING', tasks: [this.taskAfterStart] })
    },
    stop: async (name) => {
      this.did.push(`stop connector ${name}`)
    },
    remove: async (name) => {
      this.did.push(`remove connector ${name}`)
      this.running.delete(name)
    },
  }

  readonly registry: Platform['registry'] = {
    compatibility: async () => {
      if (this.down.registry) throw this.down.registry
      return this.mode
    },
  }

  source({ database }: PostgresLocation) {
    return {
      inspect: async () => this.sourceReport,
      apply: async (statements: readonly Statement[]) => {
        this.did.push(...statements.map(({ title }) => `${title} in ${database}`))
        const removed = statements === this.sourceReport.removal
        this.sourceReport = {
          ...this.sourceReport,
          statements: [],
          ...(removed ? { removal: [], slot: null, publication: null } : { publication }),
        }
      },
      close: async () => undefined,
    }
  }

  sink({ database }: PostgresLocation) {
    return {
      inspect: async ({ targets }: { targets: readonly unknown[] }) =>
        targets.length > 0 ? this.sinkReport : { ...emptySink, removal: [{ title: 'forget it', sql: 'DELETE' }] },
      apply: async (statements: readonly Statement[]) => {
        this.did.push(...statements.map(({ title }) => `${title} in ${database}`))
        this.sinkReport = { ...this.sinkReport, statements: [] }
        if (statements[0]?.title === 'forget it') this.stored = []
      },
      positions: async () => this.stored,
      forget: async (sync: string) => this.stored.some((position) => position.sync === sync),
      close: async () => undefined,
    }
  }

  private connectorState(name: string): ConnectorState | null {
    const connector = this.running.get(name)
    return connector === undefined ? null : { name, error: null, ...connector }
  }
}

const publication = {
  name: 'millrace_shop',
  owner: 'capture',
  allTables: false,
  tables: ['public.customers', 'public.orders'],
  actions: ['insert', 'update', 'delete', 'truncate'],
  viaPartitionRoot: true,
}

const emptySource: SourceReport = {
  problems: [],
  warnings: [],
  identity: { systemIdentifier: '7000000000000000001', timeline: 1 },
  walLsn: 0x2_0000_1000n,
  tables: [
    {
      schema: 'public',
      table: 'customers',
      key: ['id'],
      replicaIdentity: 'default',
      partitioned: false,
      rowsEstimated: 12_000,
    },
    {
      schema: 'public',
      table: 'orders',
      key: ['id'],
      replicaIdentity: 'default',
      partitioned: false,
      rowsEstimated: null,
    },
  ],
  slot: null,
  publication: null,
  statements: [
    {
      title: 'create publication millrace_shop',
      sql: 'CREATE PUBLICATION "millrace_shop" FOR TABLE "public"."customers", "public"."orders"\n  WITH (publish_via_partition_root = true)',
    },
  ],
  removal: [],
  leastPrivilege: [],
}

const emptySink: SinkReport = {
  problems: [],
  warnings: [],
  statements: [
    { title: 'create table shop.customers', sql: 'CREATE TABLE "shop"."customers" ("id" bigint PRIMARY KEY)' },
  ],
  present: [],
  removal: [],
}
