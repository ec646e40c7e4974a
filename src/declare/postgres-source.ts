import { declaration } from './brand.ts'
import type { PostgresAddress } from './postgres-address.ts'

export interface PostgresSourceOptions extends PostgresAddress {
  /** Tables to capture, `schema.table` as Postgres spells them, unquoted. */
  readonly tables: readonly string[]
  /** Replication slot. Default: `millrace_<source>`. */
  readonly slot?: string
  /** Publication, owned by millrace. Default: `millrace_<source>`. */
  readonly publication?: string
  /** How long the log keeps what the source committed, in days. Default: 7. */
  readonly historyDays?: number
  /** Largest log record, in bytes; the same number reaches topic, producer and readers. Default: 16777216. */
  readonly recordBytesMax?: number
  /** How often a heartbeat is committed into the source, in ms: bounds the WAL an idle table holds back. Default: 10000. */
  readonly heartbeatMs?: number
  /** How often Debezium looks for new WAL, in ms. Default: 10. */
  readonly pollMs?: number
  /** Further Debezium properties, passed on as they are. Properties millrace's guarantees rest on are refused here. */
  readonly debezium?: Readonly<Record<string, string>>
}

export type PostgresSource = Readonly<PostgresSourceOptions> & { readonly kind: 'postgres-source' }

/** Captures one service's Postgres with one Debezium connector, through one slot, into one log. */
export function postgresSource(options: PostgresSourceOptions): PostgresSource {
  return declaration('postgres-source', options)
}
