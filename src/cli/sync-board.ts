import type { SyncEvent, SyncObserver } from '../engine/observe.ts'
import type { LoadState } from '../engine/ports.ts'
import type { SyncState } from '../engine/state.ts'
import type { ErrorReport } from '../errors.ts'

/** What one sync of this worker is doing: one entry of the worker's `/status`. */
export interface SyncReport {
  readonly sync: string
  readonly source: string
  readonly state: SyncState
  readonly sinceMs: number
  /** Null while another member owns the sync. */
  readonly epoch: bigint | null
  readonly appliedLsn: bigint | null
  readonly commitTimeMs: number | null
  /** Log records not applied yet, as far as the last fetch knew. */
  readonly lagRecords: bigint | null
  /** How far the targets are behind the source: 0 when everything in the log is applied. */
  readonly lagSeconds: number | null
  /** Over the last ten seconds. */
  readonly changesPerSecond: number
  readonly transactionsPerSecond: number
  readonly transactions: number
  readonly changes: number
  readonly bytes: number
  readonly load: LoadState | null
  readonly error: ErrorReport | null
  /** When the sync last committed or was last seen to have nothing to do. */
  readonly progressMs: number
}

const windowMs = 10_000

interface Entry {
  sync: string
  source: string
  state: SyncState
  sinceMs: number
  epoch: bigint | null
  appliedLsn: bigint | null
  commitTimeMs: number | null
  nextOffset: bigint | null
  endOffset: bigint | null
  transactions: number
  changes: number
  bytes: number
  load: LoadState | null
  error: ErrorReport | null
  progressMs: number
  recent: { atMs: number; changes: number; transactions: number }[]
}

/** Keeps, from their events, what every sync of this worker is doing. What `/status`, `/readyz` and `/metrics` show. */
export class SyncBoard {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  constructor(syncs: readonly { readonly name: string; readonly source: string }[], now: () => number = Date.now) {
    this.#now = now
    for (const { name, source } of syncs) this.#entries.set(name, blank(name, source, now()))
  }

  readonly observe: SyncObserver = (event) => {
    const entry = this.#entries.get(event.sync)
    if (entry !== undefined) note(entry, event)
  }

  reports(): readonly SyncReport[] {
    return [...this.#entries.values()].map((entry) => report(entry, this.#now()))
  }

  /**
   * Whether this worker does what it is there for. Standing by is ready. An owner is ready while it makes progress: a sync that has
   * more to do and did none of it for `patienceMs` is not, whatever its process looks like.
   */
  notReady(patienceMs: number): readonly string[] {
    return this.reports()
      .filter(({ state, progressMs }) => {
        if (state === 'stopped' || state === 'failed') return true
        return state !== 'standby' && state !== 'live' && this.#now() - progressMs > patienceMs
      })
      .map(
        ({ sync, state, error }) => `${sync} is ${state}${error === null ? '' : `: ${error.message} [${error.code}]`}`,
      )
  }
}

function blank(sync: string, source: string, nowMs: number): Entry {
  return {
    sync,
    source,
    state: 'standby',
    sinceMs: nowMs,
    epoch: null,
    appliedLsn: null,
    commitTimeMs: null,
    nextOffset: null,
    endOffset: null,
    transactions: 0,
    changes: 0,
    bytes: 0,
    load: null,
    error: null,
    progressMs: nowMs,
    recent: [],
  }
}

function note(entry: Entry, event: SyncEvent): void {
  switch (event.kind) {
    case 'state':
      entry.state = event.to
      entry.sinceMs = event.atMs
      entry.progressMs = event.atMs
      if (event.to === 'standby') entry.epoch = null
      if (event.to === 'stopped' || event.to === 'failed') entry.error = event.error?.toJSON() ?? entry.error
      else if (event.to === 'live' || event.to === 'standby') entry.error = null
      break
    case 'owner':
      entry.epoch = event.epoch
      break
    case 'applied':
      entry.appliedLsn = event.appliedLsn
      entry.commitTimeMs = event.commitTimeMs
      entry.nextOffset = event.nextOffset
      entry.endOffset = event.endOffset
      entry.transactions += event.transactions
      entry.changes += event.changes
      entry.bytes += event.bytes
      entry.progressMs = event.atMs
      if (entry.error !== null && entry.state !== 'stopped' && entry.state !== 'failed') entry.error = null
      entry.recent.push({ atMs: event.atMs, changes: event.changes, transactions: event.transactions })
      drop(entry, event.atMs)
      break
    case 'load':
      entry.load = event.load
      entry.progressMs = event.atMs
      break
    case 'error':
      entry.error = event.error.toJSON()
      break
    case 'note':
      break
  }
}

function drop(entry: Entry, nowMs: number): void {
  const first = entry.recent.findIndex(({ atMs }) => atMs > nowMs - windowMs)
  entry.recent.splice(0, first === -1 ? entry.recent.length : first)
}

function report(entry: Entry, nowMs: number): SyncReport {
  drop(entry, nowMs)
  const { recent: _recent, nextOffset, endOffset, ...rest } = entry
  const per = (count: (one: Entry['recent'][number]) => number): number =>
    Math.round((entry.recent.reduce((sum, one) => sum + count(one), 0) / windowMs) * 10_000) / 10
  const lagRecords =
    nextOffset === null || endOffset === null ? null : endOffset > nextOffset ? endOffset - nextOffset : 0n
  const late = entry.commitTimeMs === null ? null : Math.max(0, (nowMs - entry.commitTimeMs) / 1000)
  return {
    ...rest,
    lagRecords,
    lagSeconds: entry.state === 'live' ? 0 : late,
    changesPerSecond: per(({ changes }) => changes),
    transactionsPerSecond: per(({ transactions }) => transactions),
  }
}
