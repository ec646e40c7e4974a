import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { SyncObserver } from '../engine/observe.ts'
import { syncStates } from '../engine/state.ts'
import type { SyncBoard } from './sync-board.ts'

/** A worker's Prometheus metrics: fed by the syncs' events, completed from the board when they are read. */
export function workerMetrics(board: SyncBoard): { readonly registry: Registry; readonly observe: SyncObserver } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const labelNames = ['sync', 'source'] as const

  const transactions = new Counter({
    name: 'millrace_sync_transactions_total',
    help: 'Source transactions applied to the sink.',
    labelNames,
    registers,
  })
  const changes = new Counter({
    name: 'millrace_sync_changes_total',
    help: 'Changes applied to the sink, rows of loads included.',
    labelNames,
    registers,
  })
  const errors = new Counter({
    name: 'millrace_sync_errors_total',
    help: 'Attempts that ended in an error, by its code.',
    labelNames: ['sync', 'source', 'code'],
    registers,
  })
  const latency = new Histogram({
    name: 'millrace_sync_commit_to_commit_seconds',
    help: 'From the commit in the source to the commit in the sink, of the last transaction of each sink transaction.',
    labelNames,
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers,
  })
  const applySeconds = new Histogram({
    name: 'millrace_sync_apply_seconds',
    help: 'How long sink transactions were open.',
    labelNames,
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  })
  const gauges = {
    state: new Gauge({
      name: 'millrace_sync_state',
      help: '1 for the state the sync is in, 0 for the others.',
      labelNames: ['sync', 'source', 'state'],
      registers,
      // Read when asked for: a gauge that is set only by events would go on showing the last good news. On the first of them, so that
      // all are fresh when they are written out.
      collect: () => refresh(),
    }),
    lagSeconds: new Gauge({
      name: 'millrace_sync_lag_seconds',
      help: 'How far the targets are behind the source, by its commit times; 0 when the log is drained.',
      labelNames,
      registers,
    }),
    lagRecords: new Gauge({
      name: 'millrace_sync_lag_records',
      help: 'Log records not applied yet.',
      labelNames,
      registers,
    }),
    appliedLsn: new Gauge({
      name: 'millrace_sync_applied_lsn_bytes',
      help: 'Commit LSN of the last applied transaction, as a byte position in the WAL.',
      labelNames,
      registers,
    }),
    progress: new Gauge({
      name: 'millrace_sync_progress_age_seconds',
      help: 'Seconds since the sync last committed, or was last seen to have nothing to do.',
      labelNames,
      registers,
    }),
  }

  function refresh(): void {
    const now = Date.now()
    for (const { sync, source, ...report } of board.reports()) {
      for (const state of syncStates) gauges.state.set({ sync, source, state }, report.state === state ? 1 : 0)
      const idle = report.state === 'live' || report.state === 'standby'
      gauges.progress.set({ sync, source }, idle ? 0 : (now - report.progressMs) / 1000)
      if (report.lagSeconds !== null) gauges.lagSeconds.set({ sync, source }, report.lagSeconds)
      if (report.lagRecords !== null) gauges.lagRecords.set({ sync, source }, Number(report.lagRecords))
      if (report.appliedLsn !== null) gauges.appliedLsn.set({ sync, source }, Number(report.appliedLsn))
    }
  }

  const sourceOf = new Map(board.reports().map(({ sync, source }) => [sync, source]))
  return {
    registry,
    observe(event) {
      const labels = { sync: event.sync, source: sourceOf.get(event.sync) ?? '' }
      if (event.kind === 'error') errors.inc({ ...labels, code: event.error.code })
      if (event.kind !== 'applied') return
      transactions.inc(labels, event.transactions)
      changes.inc(labels, event.changes)
      applySeconds.observe(labels, event.tookMs / 1000)
      if (event.transactions > 0 && event.commitTimeMs !== null) {
        latency.observe(labels, Math.max(0, event.atMs - event.commitTimeMs) / 1000)
      }
    },
  }
}
