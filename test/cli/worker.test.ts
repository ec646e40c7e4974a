import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SyncBoard } from '../../src/cli/sync-board.ts'
import { announceWorker, readWorkers } from '../../src/cli/worker-file.ts'
import { workerMetrics } from '../../src/cli/worker-metrics.ts'
import { serveWorker, type WorkerServer } from '../../src/cli/worker-server.ts'
import type { SyncEvent } from '../../src/engine/observe.ts'
import type { SyncState } from '../../src/engine/state.ts'
import { fault } from '../../src/errors.ts'

let nowMs: number
let board: SyncBoard
let metrics: ReturnType<typeof workerMetrics>
let server: WorkerServer

beforeEach(async () => {
  nowMs = 1_000_000
  board = new SyncBoard([{ name: 'billing-copy', source: 'shop' }], () => nowMs)
  metrics = workerMetrics(board)
  server = await serveWorker({ board, metrics: metrics.registry, host: '127.0.0.1', port: 0 })
})
afterEach(() => server.close())

const stamp = () => ({ sync: 'billing-copy', atMs: nowMs })
function happens(event: SyncEvent): void {
  board.observe(event)
  metrics.observe(event)
}
const enters = (to: SyncState) => happens({ ...stamp(), kind: 'state', from: 'standby', to, error: null })
const applies = (over: Partial<SyncEvent & { kind: 'applied' }> = {}) =>
  happens({
    ...stamp(),
    kind: 'applied',
    transactions: 2,
    changes: 7,
    bytes: 900,
    appliedLsn: 0x1_0000_00a0n,
    commitTimeMs: nowMs - 40,
    nextOffset: 50n,
    endOffset: 80n,
    tookMs: 5,
    ...over,
  })
async function ask(path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

describe('readiness means progress', () => {
  it('a standby is ready: it does what it is there for', async () => {
    expect(await ask('/readyz')).toEqual({ status: 200, text: 'ready\n' })
  })

  it('an owner with work is ready as long as it advances', async () => {
    enters('catching up')
    nowMs += 59_000
    applies()
    nowMs += 59_000
    expect((await ask('/readyz')).status).toBe(200)
    nowMs += 2000
    const { status, text } = await ask('/readyz')
    expect(status).toBe(503)
    expect(text).toContain('billing-copy is catching up')
    applies()
    expect((await ask('/readyz')).status).toBe(200)
  })

  it('an owner that is live may be idle for as long as its source is', async () => {
    enters('live')
    nowMs += 3_600_000
    expect((await ask('/readyz')).status).toBe(200)
  })

  it('a stopped sync says why, while the process is alive', async () => {
    const error = fault('OWNERSHIP_LOST', { group: 'g', log: 'shop.log' })
    happens({ ...stamp(), kind: 'state', from: 'live', to: 'stopped', error })
    const { status, text } = await ask('/readyz')
    expect(status).toBe(503)
    expect(text).toContain('billing-copy is stopped')
    expect(text).toContain('[OWNERSHIP_LOST]')
    expect(await ask('/healthz')).toEqual({ status: 200, text: 'ok\n' })
  })
})

describe('what a worker tells', () => {
  it('is where each sync is, as JSON', async () => {
    enters('catching up')
    applies()
    nowMs += 1000
    const { syncs } = JSON.parse((await ask('/status')).text)
    expect(syncs).toMatchObject([
      {
        sync: 'billing-copy',
        source: 'shop',
        state: 'catching up',
        appliedLsn: String(0x1_0000_00a0n),
        lagRecords: '30',
        lagSeconds: 1.04,
        changesPerSecond: 0.7,
        transactionsPerSecond: 0.2,
        changes: 7,
        error: null,
      },
    ])
  })

  it('forgets rates that are over', async () => {
    enters('live')
    applies()
    nowMs += 11_000
    const { syncs } = JSON.parse((await ask('/status')).text)
    expect(syncs[0]).toMatchObject({ changesPerSecond: 0, lagSeconds: 0, changes: 7 })
  })

  it('is counted for Prometheus', async () => {
    enters('live')
    applies()
    happens({ ...stamp(), kind: 'error', error: fault('SECRET_MISSING', { name: 'X' }), attempt: 1, retryInMs: 10 })
    const { text } = await ask('/metrics')
    const labels = 'sync="billing-copy",source="shop"'
    expect(text).toContain(`millrace_sync_changes_total{${labels}} 7`)
    expect(text).toContain(`millrace_sync_transactions_total{${labels}} 2`)
    expect(text).toContain(`millrace_sync_state{${labels},state="live"} 1`)
    expect(text).toContain(`millrace_sync_state{${labels},state="failed"} 0`)
    expect(text).toContain(`millrace_sync_lag_records{${labels}} 30`)
    expect(text).toContain(`millrace_sync_errors_total{${labels},code="SECRET_MISSING"} 1`)
    expect(text).toContain(`millrace_sync_commit_to_commit_seconds_bucket{le="0.05",${labels}} 1`)
  })

  it('is nothing else, and changed by nobody', async () => {
    expect((await ask('/')).status).toBe(404)
    const answer = await fetch(`http://127.0.0.1:${server.port}/healthz`, { method: 'POST' })
    expect(answer.status).toBe(405)
  })

  it('needs its port: a taken one is named', async () => {
    const again = serveWorker({ board, metrics: metrics.registry, host: '127.0.0.1', port: server.port })
    await expect(again).rejects.toMatchObject({
      code: 'WORKER_PORT',
      message: expect.stringContaining(`${server.port}`),
    })
  })
})

describe('worker files', () => {
  it('name the workers that are alive and no others', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-workers-'))
    const worker = { pid: process.pid, url: 'http://127.0.0.1:1', syncs: ['billing-copy'], startedAt: 'now' }
    expect(readWorkers(folder)).toEqual([])
    const withdraw = announceWorker(folder, worker)
    // Beyond the largest pid there is: a worker that was killed.
    announceWorker(folder, { ...worker, pid: 2 ** 22 + 1 })
    await writeFile(join(folder, '.millrace/workers/7.json'), '{"pid":')
    expect(readWorkers(folder)).toEqual([worker])
    expect(await readdir(join(folder, '.millrace/workers'))).not.toContain(`${2 ** 22 + 1}.json`)
    withdraw()
    expect(readWorkers(folder)).toEqual([])
    await rm(folder, { recursive: true })
  })
})
