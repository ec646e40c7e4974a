import type { LogHeaders } from '../../contract/log-event.ts'

/** A record as kafkajs decodes it from a fetch, control records and aborted ones included. */
export interface FetchedMessage {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: LogHeaders
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: string
}

/**
 * The committed among `messages`. The broker ends a read_committed fetch before the first open transaction, but leaves aborted
 * records in it and lists where, for each producer, an aborted transaction begins; it ends at that producer's abort marker.
 */
export function* committed(
  messages: readonly FetchedMessage[],
  aborted: readonly AbortedTransaction[],
): Generator<FetchedMessage> {
  const ahead = aborted
    .map(({ producerId, firstOffset }) => ({ producerId, from: BigInt(firstOffset) }))
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  const aborting = new Set<string>()
  let next = 0
  for (const message of messages) {
    const { producerId, inTransaction } = message.batchContext
    while (next < ahead.length && BigInt(message.offset) >= ahead[next]!.from) aborting.add(ahead[next++]!.producerId)
    if (message.isControlRecord) {
      if (isAbortMarker(message)) aborting.delete(producerId)
      continue
    }
    if (inTransaction && aborting.has(producerId)) continue
    yield message
  }
}

/** A control record's key: version and type, two bytes each; type 0 aborts. */
function isAbortMarker({ key }: FetchedMessage): boolean {
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0
}
