import { fault } from '../errors.ts'

/**
 * The life of a sync in one worker.
 *
 * ```text
 *             ┌─────────── ownership lost, fenced, drained ────────────┐
 *             ▼                                                        │
 *  ┌──▶ standby ──take over──▶ snapshotting ◀──▶ loading ──▶ catching up ◀──▶ live
 *  │       │  ▲                      ▲              ▲             ▲            │
 *  │       ▼  │                      └──────────────┴─────────────┴────────────┤
 *  │  stopped ◀──▶ failed ─── progress again ─────────────────────┘            │
 *  │       ▲          ▲                                                        │
 *  └───────┴──────────┴──────────────── error ─────────────────────────────────┘
 * ```
 */
export const syncStates = ['standby', 'snapshotting', 'loading', 'catching up', 'live', 'stopped', 'failed'] as const

/**
 * - `standby`: another member owns the sync, or nobody yet.
 * - `snapshotting`: a load waits for the source's snapshot to start.
 * - `loading`: rows of a snapshot are being applied; the targets do not show a state of the source yet.
 * - `catching up`: transactions are applied, and more are waiting.
 * - `live`: everything that the log holds is applied.
 * - `stopped`: the data needs a human; tried again with growing pauses.
 * - `failed`: the environment is broken; tried again with growing pauses.
 */
export type SyncState = (typeof syncStates)[number]

const working = ['snapshotting', 'loading', 'catching up', 'live'] as const
const troubled = ['stopped', 'failed'] as const

/** From each state the states that may follow. */
export const nextStates: Readonly<Record<SyncState, readonly SyncState[]>> = {
  standby: ['snapshotting', 'loading', 'catching up', ...troubled],
  snapshotting: ['standby', 'loading', 'catching up', 'live', ...troubled],
  loading: ['standby', 'snapshotting', 'catching up', 'live', ...troubled],
  'catching up': ['standby', 'snapshotting', 'loading', 'live', ...troubled],
  live: ['standby', 'snapshotting', 'loading', 'catching up', ...troubled],
  stopped: ['standby', 'failed', ...working],
  failed: ['standby', 'stopped', ...working],
}

/** The state after asking for `to`. Staying is always allowed; an illegal step is a defect of the engine and throws. */
export function step(from: SyncState, to: SyncState): SyncState {
  if (from !== to && !nextStates[from].includes(to))
    throw fault('DEFECT', { what: `a sync cannot go from ${from} to ${to}` })
  return to
}
