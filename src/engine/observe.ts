import type { MillraceError } from '../errors.ts'
import type { LoadState } from './ports.ts'
import type { SyncState } from './state.ts'

/** What a running sync tells. Every event names the sync and the time by the engine's clock, milliseconds since 1970. */
export type SyncEvent = { readonly sync: string; readonly atMs: number } & (
  | {
      readonly kind: 'state'
      readonly from: SyncState
      readonly to: SyncState
      /** Why, for `stopped` and `failed`. */
      readonly error: MillraceError | null
    }
  /** This worker became the owner. */
  | { readonly kind: 'owner'; readonly epoch: bigint }
  /** A sink transaction was committed. */
  | {
      readonly kind: 'applied'
      /** Source transactions in it; 0 for a part of a load. */
      readonly transactions: number
      /** Changes in it, load rows included. */
      readonly changes: number
      /** Bytes of log records in it. */
      readonly bytes: number
      readonly appliedLsn: bigint | null
      /** When the source committed `appliedLsn`, milliseconds since 1970. */
      readonly commitTimeMs: number | null
      readonly nextOffset: bigint
      /** First log offset that was not readable yet when the records were fetched; `endOffset - nextOffset` is the lag in records. */
      readonly endOffset: bigint
      /** How long the sink transaction was open, milliseconds. */
      readonly tookMs: number
    }
  /** Where a load is. `load` null: it is whole, from `appliedLsn` of the next `applied` on. */
  | { readonly kind: 'load'; readonly load: LoadState | null; readonly rows: number }
  /** An attempt ended in an error; the next begins in `retryInMs`. */
  | { readonly kind: 'error'; readonly error: MillraceError; readonly attempt: number; readonly retryInMs: number }
  /** Said once where a person should know: a log restarted its snapshot, a signal was repeated, a group is replayed carefully. */
  | { readonly kind: 'note'; readonly text: string }
)

type WithoutStamp<Event> = Event extends unknown ? Omit<Event, 'sync' | 'atMs'> : never
/** An event before it is stamped with sync and time. */
export type SyncReport = WithoutStamp<SyncEvent>

/** Called synchronously; must be quick. What it throws is dropped: watching never changes what is watched. */
export type SyncObserver = (event: SyncEvent) => void
