import type { LogEvent, SourceIdentity } from '../log-event.ts'
import { Malformed } from '../malformed.ts'
import { read } from './generic.ts'
import type { Tap } from './tap.ts'
import type { RecordNode } from './writer-schema.ts'

/** What records that are not rows mean. Each reads the record at the tap's place, as plain data first. */
export type NoticeReader = (schema: RecordNode, tap: Tap) => LogEvent | undefined

/** BEGIN or END of a source transaction. */
export function transactionMarker(schema: RecordNode, tap: Tap): LogEvent {
  const record = read(schema, tap) as Record<string, unknown>
  const id = text(record, 'id')
  const colon = id.indexOf(':')
  if (colon < 0) throw new Malformed(`id: ${JSON.stringify(id)} is not transaction:lsn`)
  const transaction = id.slice(0, colon)
  const status = text(record, 'status')
  if (status === 'BEGIN') return { kind: 'begin', transaction }
  if (status !== 'END') throw new Malformed(`status: ${JSON.stringify(status)} is neither BEGIN nor END`)
  const counts = new Map<string, number>()
  for (const entry of (record.data_collections ?? []) as Record<string, unknown>[]) {
    counts.set(text(entry, 'data_collection'), Number(entry.event_count))
  }
  return { kind: 'end', transaction, lsn: BigInt(id.slice(colon + 1)), counts, commitTimeMs: Number(record.ts_ms) }
}

/** How a snapshot goes. Undefined for notices that change nothing for a reader. */
export function snapshotNotice(schema: RecordNode, tap: Tap): LogEvent | undefined {
  const record = read(schema, tap) as Record<string, unknown>
  const about = text(record, 'aggregate_type')
  const scope = about === 'Initial Snapshot' ? 'initial' : about === 'Incremental Snapshot' ? 'incremental' : undefined
  if (scope === undefined) return undefined
  const more = (record.additional_data ?? {}) as Record<string, string>
  const status = snapshotStatus(text(record, 'type'), more.status)
  if (status === undefined) return undefined
  const tables = more.scanned_collection ?? more.current_collection_in_progress ?? more.data_collections ?? ''
  const timeMs = Number(record.timestamp ?? 0)
  return {
    kind: 'snapshot',
    scope,
    status,
    id: text(record, 'id'),
    tables: tables === '' ? [] : tables.split(','),
    timeMs,
  }
}

/** The source's identity, which its heartbeat writes as a logical message; undefined for other services' messages. */
export function logicalMessage(schema: RecordNode, tap: Tap): LogEvent | undefined {
  const record = read(schema, tap) as { message?: { prefix?: unknown; content?: unknown }; transaction?: unknown }
  if (record.message?.prefix !== 'millrace') return undefined
  const { content } = record.message
  const identity = content instanceof Uint8Array ? identityOf(Buffer.from(content).toString('utf8')) : undefined
  // Anyone may write messages; one that is not an identity must stop no reader.
  if (identity === undefined) return undefined
  const id = (record.transaction as { id?: unknown } | null | undefined)?.id
  return { kind: 'identity', transaction: typeof id === 'string' ? id.split(':')[0]! : null, identity }
}

function snapshotStatus(type: string, scan: string | undefined) {
  switch (type) {
    case 'STARTED':
      return 'started'
    case 'IN_PROGRESS':
    case 'TABLE_CHUNK_IN_PROGRESS':
    case 'TABLE_CHUNK_COMPLETED':
    case 'PAUSED':
    case 'RESUMED':
      return 'progress'
    case 'TABLE_SCAN_COMPLETED':
      // A table whose scan failed is passed over, and COMPLETED still comes: its rows are missing.
      return scan === undefined || scan === 'SUCCEEDED' || scan === 'EMPTY' ? 'table-done' : 'aborted'
    case 'COMPLETED':
      return 'completed'
    case 'ABORTED':
      return 'aborted'
    default:
      // SKIPPED: the connector started again and had no snapshot to take.
      return undefined
  }
}

function identityOf(json: string): SourceIdentity | undefined {
  try {
    const { systemIdentifier, timeline } = JSON.parse(json) as Record<string, unknown>
    if (systemIdentifier === undefined || timeline === undefined) return undefined
    if (typeof systemIdentifier === 'number') return undefined
    return { systemIdentifier: String(systemIdentifier), timeline: Number(timeline) }
  } catch {
    return undefined
  }
}

function text(record: Record<string, unknown>, field: string): string {
  const value = record[field]
  if (typeof value !== 'string') throw new Malformed(`${field}: it is missing`)
  return value
}
