import type { Secret } from './secret.ts'

/** Where a Postgres is and who asks. One of `url` and `database`. */
export interface PostgresAddress {
  /** `postgres://user@host:port/database`. Must not hold a password. */
  readonly url?: string
  /** Name of a database of `millrace.config.ts`, which says where it is. */
  readonly database?: string
  /** Role to connect as, when `url` does not say. */
  readonly user?: string
  readonly password: Secret
}
