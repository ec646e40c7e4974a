import type { Config } from '../declare/config.ts'
import type { PostgresAddress } from '../declare/postgres-address.ts'

/** Where a database is, who asks, and which secret is the password. What adapters connect with and connectors are rendered from. */
export interface PostgresLocation {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Name of the secret, never its value. */
  readonly secret: string
  /** As libpq names it: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`. Absent: the client's default. */
  readonly sslmode?: string
}

/** Where a database of `millrace.config.ts` is; undefined while nobody knows, as before an embedded one has its port. */
export type DatabaseLookup = (
  name: string,
) => { readonly host: string; readonly port: number; readonly database: string } | undefined

/** What is wrong with an address as it was written; undefined when it says everything. Secrets in it are not repeated. */
export function addressProblem(
  address: PostgresAddress,
): { readonly field: string; readonly reason: string } | undefined {
  if (address.url === undefined) {
    if (address.database === undefined) return { field: 'url', reason: 'says no database' }
    if (address.user === undefined) return { field: 'user', reason: 'is missing' }
    return undefined
  }
  if (address.database !== undefined) return { field: 'url', reason: 'and `database` say two places' }
  const url = parse(address.url)
  if (url === undefined) return { field: 'url', reason: 'is no postgres:// address' }
  if (url.password !== '') return { field: 'url', reason: 'holds a password' }
  if (url.hostname === '') return { field: 'url', reason: 'names no host' }
  if (url.pathname.length < 2) return { field: 'url', reason: 'names no database' }
  if (url.username === '' && address.user === undefined) return { field: 'url', reason: 'names no user' }
  return undefined
}

/** Resolves an address that `addressProblem` has nothing against; undefined while its database's place is not known. */
export function locate(address: PostgresAddress, lookup: DatabaseLookup): PostgresLocation | undefined {
  const secret = address.password.name
  if (address.url !== undefined) {
    const url = parse(address.url)
    if (url === undefined) return undefined
    const sslmode = url.searchParams.get('sslmode')
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 5432 : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: address.user ?? decodeURIComponent(url.username),
      secret,
      ...(sslmode === null ? {} : { sslmode }),
    }
  }
  const place = lookup(address.database!)
  return place && { host: place.host, port: place.port, database: place.database, user: address.user!, secret }
}

/** Names a database the same for all who mean the same one, as far as that is known without connecting. */
export function databaseKey(address: PostgresAddress, config: Config): string {
  const named = address.database === undefined ? undefined : config.databases?.[address.database]
  if (address.database !== undefined && named?.kind !== 'address') return address.database
  const place = locate(address, () => (named?.kind === 'address' ? named : undefined))
  return place === undefined ? (address.url ?? '') : `${place.host}:${place.port}/${place.database}`
}

function parse(text: string): URL | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return undefined
  return URL.canParse(text) ? new URL(text) : undefined
}
