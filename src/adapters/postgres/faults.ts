import { fault, isMillraceError, type MillraceError, messageOf } from '../../errors.ts'
import type { PostgresConnection } from './connection.ts'
import { quoteName } from './names.ts'

/** What Postgres says of an error, as far as we use it. `detail` and `where` may hold row values and never go into messages. */
interface ServerError {
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
}

/** What was being done when a write failed. */
export interface WriteContext {
  /** `schema.table` where it is known. */
  readonly table?: string
  /** The row's key as `id=5`, where one row alone was written. */
  readonly row?: string
}

export function serverError(thrown: unknown): ServerError | undefined {
  const code = (thrown as { code?: unknown } | null)?.code
  return thrown instanceof Error && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in thrown
    ? (thrown as unknown as ServerError)
    : undefined
}

/** True when the connection is gone, or the server said it is going: what was under way may or may not have happened. */
export function connectionGone(thrown: unknown): boolean {
  const error = serverError(thrown)
  return error === undefined || /^(08|57P|25P03)/.test(error.code)
}

/** The database itself answered for what waiting can heal: conflicts, shutdown, full disk, too many connections. */
function passing(code: string): boolean {
  return /^(08|53|57|58|40|XX)/.test(code) || ['55P03', '55006', '25006', '25P03'].includes(code)
}

/** An error of ours: it must not pass for the database's. */
export function isBug(thrown: unknown): boolean {
  return thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof ReferenceError
}

/** Maps what a sink's Postgres or the way to it threw. */
export function sinkFault(thrown: unknown, to: PostgresConnection, context: WriteContext = {}): MillraceError {
  if (isMillraceError(thrown)) return thrown
  const { host, port, database, user } = to
  const error = serverError(thrown)
  if (noPassword(thrown))
    return fault('SINK_AUTH', { host, port, database, user, reason: 'it asks for a password' }, thrown)
  if (error === undefined || passing(error.code)) {
    return fault('SINK_UNAVAILABLE', { host, port, database, reason: reasonOf(thrown) }, thrown)
  }
  const table = context.table ?? nameOf(error) ?? 'its tables'
  if (error.code.startsWith('23')) {
    const row = context.row ?? referencingRow(error) ?? 'of this group'
    const constraint = error.constraint ?? (error.column === undefined ? 'a constraint' : `NOT NULL of ${error.column}`)
    return fault(
      'SINK_CONSTRAINT',
      { table: nameOf(error) ?? table, row, constraint, reason: violation(error) },
      thrown,
    )
  }
  if (error.code.startsWith('28'))
    return fault('SINK_AUTH', { host, port, database, user, reason: error.message }, thrown)
  if (error.code === '3D000') return fault('SINK_DATABASE_MISSING', { host, port, database }, thrown)
  if (error.code === '42501') {
    const grant = `GRANT ... TO ${quoteName(user)}; as \`millrace plan\` prints it`
    return fault('SINK_PRIVILEGE', { user, database, reason: error.message, grant }, thrown)
  }
  const row = context.row === undefined ? '' : ` (row ${context.row})`
  return fault('SINK_REFUSED', { database, table: `${table}${row}`, reason: withoutValues(error) }, thrown)
}

/** Maps what a source's Postgres or the way to it threw. */
export function sourceFault(thrown: unknown, to: PostgresConnection): MillraceError {
  if (isMillraceError(thrown)) return thrown
  const { host, port, database, user } = to
  const error = serverError(thrown)
  if (noPassword(thrown))
    return fault('SOURCE_AUTH', { host, port, database, user, reason: 'it asks for a password' }, thrown)
  if (error === undefined || passing(error.code)) {
    return fault('SOURCE_UNREACHABLE', { host, port, database, reason: reasonOf(thrown) }, thrown)
  }
  if (error.code.startsWith('28'))
    return fault('SOURCE_AUTH', { host, port, database, user, reason: error.message }, thrown)
  if (error.code === '3D000') return fault('SOURCE_DATABASE_MISSING', { host, port, database }, thrown)
  return fault('SOURCE_REFUSED', { host, port, database, reason: error.message }, thrown)
}

/** The driver refuses by itself to answer a server's challenge without a password. */
function noPassword(thrown: unknown): boolean {
  return thrown instanceof Error && /password must be a (non-empty )?string/.test(thrown.message)
}

function reasonOf(thrown: unknown): string {
  return messageOf(thrown) || 'the connection was closed'
}

function nameOf(error: ServerError): string | undefined {
  return error.schema !== undefined && error.table !== undefined ? `${error.schema}.${error.table}` : undefined
}

/** Messages of class 22 quote the value they could not take. */
function withoutValues(error: ServerError): string {
  const message = error.code.startsWith('22') ? error.message.replace(/".*"/su, '...') : error.message
  return error.column === undefined ? message : `${message} (column ${error.column})`
}

/** Why a constraint refused, without the row's values: `detail` would tell them. */
function violation(error: ServerError): string {
  const columns = /^Key \((.+?)\)=\(/su.exec(error.detail ?? '')?.[1]
  switch (error.code) {
    case '23502':
      return `${error.column ?? 'a column'} has no value`
    case '23503': {
      if (error.detail?.includes('is still referenced')) return 'other rows still refer to it'
      return `${columns ?? 'it'} refers to a row that is not there`
    }
    case '23505':
      return `another row has the same ${columns ?? 'value'}`
    case '23514':
      return 'its values do not pass the check'
    case '23P01':
      return `another row excludes its ${columns ?? 'values'}`
    default:
      return error.message
  }
}

/** A foreign key's own columns hold another row's key: that much may be told, and it finds the row. */
function referencingRow(error: ServerError): string | undefined {
  if (error.code !== '23503') return undefined
  const found = /^Key \((.+?)\)=\((.*)\) is /su.exec(error.detail ?? '')
  return found === null ? undefined : `with ${found[1]}=${found[2]}`
}
