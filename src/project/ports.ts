import type { SourceIdentity } from '../contract/log-event.ts'
import type { TargetTable } from '../contract/target-table.ts'
import type { Position } from '../engine/ports.ts'
import type { MillraceError } from '../errors.ts'

/** SQL that `plan` shows and `apply` runs. Never holds a secret. */
export interface Statement {
  /** What it does, for a person: `create table shop.orders`. */
  readonly title: string
  readonly sql: string
}

/** What a capture declaration needs of its source database. */
export interface SourceNeeds {
  /** The source's name, as the declaration is called. */
  readonly source: string
  /** `schema.table`, unquoted. */
  readonly tables: readonly string[]
  readonly slot: string
  readonly publication: string
}

/** A captured table as it is in the source. */
export interface SourceTableState {
  readonly schema: string
  readonly table: string
  /** Columns of the primary key; empty when there is none. */
  readonly key: readonly string[]
  readonly replicaIdentity: 'default' | 'full' | 'index' | 'nothing'
  readonly partitioned: boolean
  /** From the planner's statistics; null when the table was never analyzed. */
  readonly rowsEstimated: number | null
}

/** A replication slot as it is in the source's server. */
export interface SlotState {
  readonly name: string
  readonly database: string | null
  readonly plugin: string | null
  readonly active: boolean
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | null
  readonly restartLsn: bigint | null
  readonly confirmedFlushLsn: bigint | null
  /** WAL the slot makes the server keep, in bytes. */
  readonly keptBytes: bigint | null
}

export interface PublicationState {
  readonly name: string
  readonly owner: string
  readonly allTables: boolean
  /** Published tables, `schema.table`. */
  readonly tables: readonly string[]
  /** Any of `insert`, `update`, `delete`, `truncate`. */
  readonly actions: readonly string[]
  readonly viaPartitionRoot: boolean
}

/** What a source database is, against what a capture needs of it. */
export interface SourceReport {
  /** Everything that keeps the capture from running. All of them, not the first. */
  readonly problems: readonly MillraceError[]
  /** What a person should know, and may leave as it is. */
  readonly warnings: readonly MillraceError[]
  /** Absent (as all below) when the database could not be asked at all; then `problems` says why. */
  readonly identity?: SourceIdentity
  readonly serverVersion?: string
  readonly walLsn?: bigint
  readonly tables: readonly SourceTableState[]
  readonly slot: SlotState | null
  readonly publication: PublicationState | null
  /** Brings the publication to what is declared. Empty when it is. The slot is Debezium's to make. */
  readonly statements: readonly Statement[]
  /** Takes away what the capture left in the source: slot and publication. Empty when there is neither. */
  readonly removal: readonly Statement[]
  /** What an administrator grants the capture role, and nothing more. For printing; never run. */
  readonly leastPrivilege: readonly Statement[]
}

/** The database a connector captures, as `plan`, `apply`, `status` and `destroy` meet it. */
export interface SourceDatabase {
  /** Never rejects for a reason that belongs into `problems`: unreachable, refused, unfit. */
  inspect(needs: SourceNeeds): Promise<SourceReport>
  /** Runs statements of a report, all or none where Postgres allows it; safe to repeat after a new report. */
  apply(statements: readonly Statement[]): Promise<void>
  close(): Promise<void>
}

/** What a sync needs of its sink database. */
export interface SinkNeeds {
  readonly sync: string
  readonly targets: readonly TargetTable[]
}

/** What a sink database is, against what a sync needs of it. */
export interface SinkReport {
  readonly problems: readonly MillraceError[]
  readonly warnings: readonly MillraceError[]
  /** Creates what is missing: millrace's own schemas and tables, target schemas, enum types, tables, constraints. */
  readonly statements: readonly Statement[]
  /** The targets that exist, with the planner's idea of their rows (null when never analyzed). */
  readonly present: readonly {
    readonly schema: string
    readonly table: string
    readonly rowsEstimated: number | null
  }[]
  /** Forgets the sync: its position and staging. Targets and their rows stay. Empty when there is nothing. */
  readonly removal: readonly Statement[]
}

/** A sync's stored position, as `plan` and `status` read it, without waiting for a transaction under way. */
export interface StoredPosition {
  readonly sync: string
  readonly source: string
  readonly epoch: bigint
  readonly position: Position | null
  /** When the row was last written, milliseconds since 1970. */
  readonly updatedMs: number
}

/** The database a sync writes, as `plan`, `apply`, `status` and `destroy` meet it. */
export interface SinkDatabase {
  /** Never rejects for a reason that belongs into `problems`. */
  inspect(needs: SinkNeeds): Promise<SinkReport>
  /** Runs statements of a report in one transaction; safe to repeat after a new report. */
  apply(statements: readonly Statement[]): Promise<void>
  /** Every position in this database; empty when nothing was applied there yet. */
  positions(): Promise<readonly StoredPosition[]>
  /**
   * Forgets where a sync is and fences whoever runs it, so that the next owner loads it anew. Its rows stay until the load replaces
   * them. False when there is no such position.
   */
  forget(sync: string): Promise<boolean>
  close(): Promise<void>
}

/** A topic as it should be. Settings not named are the broker's. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** A topic as it is. */
export interface TopicState {
  readonly name: string
  readonly partitions: number
  readonly replicas: number
  /** Only what was set for this topic; what it has from the broker's defaults is left out. */
  readonly configs: Readonly<Record<string, string>>
}

/** Kafka's topics. Every call throws `KAFKA_UNREACHABLE` naming the brokers when none answers. */
export interface TopicAdmin {
  /** The topics among `names` that exist. */
  describe(names: readonly string[]): Promise<ReadonlyMap<string, TopicState>>
  /** Makes the topics, as many replicas as the broker's default says; one that exists already is left as it is. Returns once they can be written. */
  create(topics: readonly TopicSpec[]): Promise<void>
  /** Sets these settings and keeps all others. */
  configure(name: string, configs: Readonly<Record<string, string>>): Promise<void>
  /** Deletes the topics and their records; one that is not there is none. */
  delete(names: readonly string[]): Promise<void>
  /** Offsets of partition 0: the first that can be read and the next that will be written. Null when there is no such topic. */
  range(name: string): Promise<{ readonly first: bigint; readonly next: bigint } | null>
  close(): Promise<void>
}

export type ConnectorConfig = Readonly<Record<string, string>>

/** A connector as Connect knows it. */
export interface ConnectorState {
  readonly name: string
  /** As it was put; references to secrets unresolved. */
  readonly config: ConnectorConfig
  /** `RUNNING`, `FAILED`, `PAUSED`, `STOPPED`, `UNASSIGNED`, `RESTARTING`. */
  readonly state: string
  /** First line of what the connector itself failed with. */
  readonly error: string | null
  readonly tasks: readonly ConnectorTaskState[]
}

export interface ConnectorTaskState {
  readonly id: number
  readonly state: string
  /** The stack trace of a failed task. */
  readonly trace: string | null
}

export interface ConnectPlugin {
  readonly class: string
  /** `source`, `sink`, `converter`, `transformation`, ... */
  readonly type: string
  readonly version: string | null
}

/** What Connect's own validation says against one property. */
export interface ConfigError {
  readonly property: string
  readonly message: string
}

/**
 * Kafka Connect. Every call throws `CONNECT_UNREACHABLE` naming the address when nobody answers, and `CONNECT_REFUSED` when the
 * answer is an error. Calls wait out a rebalance of the workers.
 */
export interface ConnectApi {
  plugins(): Promise<readonly ConnectPlugin[]>
  connectors(): Promise<ReadonlyMap<string, ConnectorState>>
  /** Null when there is none of that name. */
  connector(name: string): Promise<ConnectorState | null>
  /** Empty when Connect has nothing against it. */
  validate(name: string, config: ConnectorConfig): Promise<readonly ConfigError[]>
  /** Makes the connector or changes it in place. */
  put(name: string, config: ConnectorConfig): Promise<void>
  /**
   * Whether a Debezium connector is still in its initial snapshot: by the offset it committed last. Null while it committed none.
   */
  snapshotting(name: string): Promise<boolean | null>
  /** Resumes the connector when it was paused or stopped, and starts what failed anew. */
  restart(name: string): Promise<void>
  /** Stops the tasks and waits until none runs; the connector and its offsets stay. One that is not there is none. */
  stop(name: string): Promise<void>
  /** Forgets the offsets of a stopped connector and deletes it. One that is not there is none. */
  remove(name: string): Promise<void>
}

/** The schema registry as `plan` meets it. */
export interface RegistryApi {
  /**
   * The compatibility that every subject without a mode of its own is held to: `NONE`, `BACKWARD`, ... Throws `REGISTRY_UNREACHABLE`
   * naming the address when nobody answers.
   */
  compatibility(): Promise<string>
}
