import type { LogDecoder, LogRecord } from '../contract/log-event.ts'
import { lsnText } from '../contract/lsn.ts'
import { fault } from '../errors.ts'
import type { Position } from './ports.ts'

/**
 * Where to read from so that the log shows that it is still the one the position was taken from: at the END marker before the
 * position, while the log keeps it. A load in progress has no such marker.
 */
export function readFrom(position: Position, first: bigint): { readonly from: bigint; readonly anchored: boolean } {
  const { nextOffset, load, appliedLsn } = position
  const anchored = load === null && appliedLsn !== null && nextOffset - 1n >= first
  return { from: anchored ? nextOffset - 1n : nextOffset, anchored }
}

/** Throws `LOG_REPLACED` unless `record` is the END of the transaction that was applied last. `record` is prepared. */
export function checkAnchor(sync: string, position: Position, record: LogRecord, decoder: LogDecoder): void {
  const at = position.nextOffset - 1n
  const event = record.offset === at ? decoder.decode(record) : undefined
  if (event?.kind === 'end' && event.lsn === position.appliedLsn) return
  let found = 'has no record'
  if (event?.kind === 'end') found = `has the END of ${lsnText(event.lsn)}`
  else if (record.offset === at) found = 'has another record'
  const reason = `offset ${at} ${found}, and was the END of ${lsnText(position.appliedLsn ?? 0n)}`
  throw fault('LOG_REPLACED', { sync, reason })
}
