/** What bounds a sync's memory, transactions, retries and patience. */
export interface SyncBounds {
  /** Changes handed to the sink in one call. Two such chunks are in memory: one being applied, one being decoded. */
  readonly chunkChanges: number
  /** The same in bytes of log records. */
  readonly chunkBytes: number
  /** Under backlog a sink transaction takes whole source transactions until one of these is reached. */
  readonly groupChanges: number
  readonly groupBytes: number
  readonly groupMs: number
  /** Source transactions without a change for this sync move the position at most this often. */
  readonly idleCommitMs: number
  /** A sync that was live counts as catching up when it has not reached the log's end for this long. */
  readonly behindMs: number
  /** First pause after an error; doubles with each further one, up to the maximum. */
  readonly retryMs: number
  readonly retryMsMax: number
  /** A snapshot that was asked for and did not start is asked for again after this long. */
  readonly signalRetryMs: number
  /** How far the clocks of the source and of its connector may be apart. */
  readonly clockSkewMs: number
  /** Rounds of a load after which the sync stops and says which tables do not become whole. */
  readonly loadRoundsMax: number
  /** Rows of a load that are known to be missing one by one; beyond, only their table is remembered. */
  readonly missingRowsMax: number
}

export const defaultBounds: SyncBounds = {
  chunkChanges: 5_000,
  chunkBytes: 8 * 1024 * 1024,
  groupChanges: 50_000,
  groupBytes: 64 * 1024 * 1024,
  groupMs: 2_000,
  idleCommitMs: 1_000,
  behindMs: 5_000,
  retryMs: 250,
  retryMsMax: 30_000,
  signalRetryMs: 60_000,
  clockSkewMs: 2_000,
  loadRoundsMax: 5,
  missingRowsMax: 100_000,
}
