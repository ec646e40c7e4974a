import type { DatabaseLookup, PostgresLocation } from './address.ts'
import type { ConnectApi, RegistryApi, SinkDatabase, SourceDatabase, TopicAdmin } from './ports.ts'

/** Where a project runs: the addresses of what it stands on, and the doors to it. Made by whoever chooses adapters. */
export interface Platform {
  /** Kafka, as connectors and workers reach it. */
  readonly brokers: readonly string[]
  readonly connectUrl: string
  /** The registry's base URL, as Connect reaches it. */
  readonly registryUrl: string
  /** Where the databases of `millrace.config.ts` are. */
  readonly database: DatabaseLookup
  /**
   * How Connect's config provider spells a secret, as in `${dir:/project/.millrace/secrets:NAME}`. Null when nobody said, as for a
   * foreign Connect without `connect.secret`.
   */
  readonly secretReference: ((name: string) => string) | null
  /** Puts the values of these secrets where Connect's config provider reads them; does nothing where that is someone else's to do. */
  deliverSecrets(names: readonly string[]): Promise<void>
  readonly topics: TopicAdmin
  readonly connect: ConnectApi
  readonly registry: RegistryApi
  /** Opens a source database. The caller closes it. */
  source(location: PostgresLocation): SourceDatabase
  /** Opens a sink database. The caller closes it. */
  sink(location: PostgresLocation): SinkDatabase
}
