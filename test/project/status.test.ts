import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fault } from '../../src/errors.ts'
import { applyPlan } from '../../src/project/apply.ts'
import { planProject } from '../../src/project/plan.ts'
import { projectStatus } from '../../src/project/status.ts'
import type { WorkerSync } from '../../src/project/sync-status.ts'
import { type ProjectFolder, projectFolder, shopFiles } from '../support/project-folder.ts'
import { FakePlatform } from './fake-platform.ts'

const nowMs = 1_700_000_100_000
let project: ProjectFolder
let platform: FakePlatform

beforeEach(async () => {
  project = await projectFolder(shopFiles)
  platform = new FakePlatform()
  const time = { nowMs: () => 0, sleep: async () => undefined }
  await applyPlan(await planProject(await project.load(), platform), platform, undefined, time)
})
afterEach(() => project.remove())

const status = async (workers: readonly WorkerSync[] = []) =>
  projectStatus(await project.load(), platform, workers, nowMs)
const worker = (state: WorkerSync['state'], change: Partial<WorkerSync> = {}): WorkerSync => ({
  sync: 'billing-copy',
  state,
  changesPerSecond: 120,
  transactionsPerSecond: 10,
  error: null,
  ...change,
})

function store(nextOffset: bigint, updatedMs: number): void {
  const position = {
    nextOffset,
    appliedLsn: 0x2_0000_0f00n,
    commitTimeMs: nowMs - 5000,
    identity: null,
    load: null,
    mappings: {},
  }
  platform.stored = [{ sync: 'billing-copy', source: 'shop', epoch: 1n, position, updatedMs }]
}

function slot(change: object): void {
  const kept = { restartLsn: 1n, confirmedFlushLsn: 0x2_0000_0800n, keptBytes: 4096n, walStatus: 'reserved' }
  const slot = { name: 'millrace_shop', database: 'shop', plugin: 'pgoutput', active: true, ...kept, ...change }
  platform.sourceReport = { ...platform.sourceReport, slot }
}

describe('the status of a sync', () => {
  const sync = async (...workers: WorkerSync[]) => (await status(workers)).syncs[0]!

  it('is live with nothing to apply', async () => {
    store(1210n, nowMs)
    expect(await sync(worker('standby'), worker('live'))).toEqual({
      name: 'billing-copy',
      source: 'shop',
      healthy: true,
      state: 'live',
      appliedLsn: '2/F00',
      lagSeconds: 0,
      lagBytes: 0x100,
      lagRecords: 0,
      changesPerSecond: 120,
      transactionsPerSecond: 10,
      error: null,
    })
  })

  it('is healthy while it moves, and not when it stands with more to apply', async () => {
    store(1000n, nowMs - 1000)
    expect(await sync(worker('catching up'))).toMatchObject({ healthy: true, lagRecords: 210, lagSeconds: 5 })
    store(1000n, nowMs - 120_000)
    expect(await sync(worker('catching up'))).toMatchObject({ healthy: false, lagRecords: 210 })
  })

  it('is not healthy when nobody runs it, when it stopped, or when it failed', async () => {
    store(1210n, nowMs)
    expect(await sync()).toMatchObject({ state: 'not running', healthy: false, lagSeconds: 0 })
    const error = fault('SECRET_MISSING', { name: 'X' }).toJSON()
    expect(await sync(worker('stopped', { error }))).toMatchObject({ state: 'stopped', healthy: false, error })
    expect(await sync(worker('failed'))).toMatchObject({ state: 'failed', healthy: false })
  })
})

describe('the status of a connector', () => {
  const connector = async () => (await status([])).connectors[0]!

  it('tells the lag in bytes, and what the slot keeps', async () => {
    slot({})
    expect(await connector()).toEqual({
      name: 'shop',
      healthy: true,
      state: 'running',
      error: null,
      lagBytes: 0x800,
      keptBytes: 4096,
    })
  })

  it('is snapshotting until the snapshot is complete', async () => {
    slot({ active: false })
    platform.connect.snapshotting = async () => null
    expect(await connector()).toMatchObject({ state: 'snapshotting', healthy: true })
    platform.connect.snapshotting = async () => true
    expect(await connector()).toMatchObject({ state: 'snapshotting', healthy: true })
  })

  it('is not healthy when Connect calls it running and nothing reads the slot', async () => {
    slot({ active: false })
    expect(await connector()).toMatchObject({ healthy: false, error: 'nothing reads the slot millrace_shop' })
    slot({ active: false, walStatus: 'lost' })
    expect((await connector()).error).toContain('has lost WAL')
  })

  it('says why it failed, that it is missing, or that nobody can tell', async () => {
    const running = platform.running.get('shop')!
    platform.running.set('shop', { ...running, tasks: [{ id: 0, state: 'FAILED', trace: 'A\nCaused by: B: gone' }] })
    expect(await connector()).toMatchObject({ state: 'failed', healthy: false, error: 'B: gone' })
    platform.running.delete('shop')
    expect(await connector()).toMatchObject({ state: 'missing', healthy: false })
    platform.down.connect = fault('CONNECT_UNREACHABLE', { url: 'http://connect:8083', reason: 'refused' })
    const all = await status()
    expect(all.connectors.map(({ state }) => state)).toEqual(['unknown', 'unknown'])
    expect(all.problems.map(({ code }) => code)).toEqual(['CONNECT_UNREACHABLE'])
    expect(all.healthy).toBe(false)
  })
})

it('is healthy as a whole only when everything is', async () => {
  store(1210n, nowMs)
  slot({})
  expect((await status([worker('live')])).healthy).toBe(true)
  expect((await status([])).healthy).toBe(false)
})
