import { declaration } from './brand.ts'
import type { PostgresAddress } from './postgres-address.ts'

export interface PostgresSinkOptions extends PostgresAddress {
  /** Schema the targets are in. Default: each source table's own schema name. */
  readonly schema?: string
}

export type PostgresSink = Readonly<PostgresSinkOptions> & { readonly kind: 'postgres-sink' }

/** A service's Postgres to keep tables in step in. */
export function postgresSink(options: PostgresSinkOptions): PostgresSink {
  return declaration('postgres-sink', options)
}
