import { fault, isMillraceError } from '../errors.ts'

/**
 * Up to where a sync goes carefully: one transaction at a time, in the source's order. Set when a group failed because of its data,
 * so that everything before the culprit is applied, and the culprit found; null when it goes in groups.
 */
export interface Careful {
  until: bigint | null
  /** The last failure happened while going carefully: the transaction it names is the culprit. */
  found: boolean
}

const dataErrors = new Set<string>([
  'SINK_CONSTRAINT',
  'RECORD_UNDECODABLE',
  'SYNC_FUNCTION_FAILED',
  'SYNC_TRUNCATED',
  'SYNC_ROW_MISSING',
])

/** True for errors that belong to one transaction, not to the environment or to the log as a whole. */
export function isDataError(error: unknown): boolean {
  return isMillraceError(error) && dataErrors.has(error.code)
}

/** Adds to a sink's refusal where in the log it happened; known only when going carefully. */
export function namePlace(error: unknown, sync: string, transaction: string, offset: bigint): unknown {
  if (!isMillraceError(error) || error.code !== 'SINK_CONSTRAINT') return error
  const { table, row, constraint, reason } = error.facts
  const facts = { table: table ?? '?', row: row ?? '?', constraint: constraint ?? '?', reason: reason ?? '?' }
  return fault('SYNC_CONSTRAINT', { sync, transaction, offset, ...facts }, error)
}
