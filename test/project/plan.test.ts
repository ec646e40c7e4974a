import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mappingHashes, mapSync } from '../../src/engine/mapping.ts'
import { fault } from '../../src/errors.ts'
import { type ApplyProgress, applyPlan } from '../../src/project/apply.ts'
import { planProject } from '../../src/project/plan.ts'
import { destructiveSteps, isEmpty, type Plan } from '../../src/project/plan-model.ts'
import { formatPlan, planData } from '../../src/project/plan-text.ts'
import { type ProjectFolder, projectFolder, shopFiles } from '../support/project-folder.ts'
import { FakePlatform } from './fake-platform.ts'

let project: ProjectFolder
let platform: FakePlatform

beforeEach(async () => {
  project = await projectFolder(shopFiles)
  platform = new FakePlatform()
})
afterEach(() => project.remove())

const plan = async (): Promise<Plan> => planProject(await project.load(), platform)
const planAndApply = async (): Promise<void> => apply(await plan())
/** Waiting takes no time here; the clock moves by what was waited. */
async function apply(planned: Plan, onProgress?: (progress: ApplyProgress) => void): Promise<void> {
  let nowMs = 0
  await applyPlan(planned, platform, onProgress, {
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
    },
  })
}
const rows = (planned: Plan) => planned.steps.map(({ action, kind, name, why }) => `${action} ${kind} ${name}: ${why}`)
const codes = (planned: Plan) => planned.problems.map(({ severity, code }) => `${severity} ${code}`)

async function changeSource(from: string, to: string): Promise<void> {
  await project.write({ 'connectors/shop.ts': shopFiles['connectors/shop.ts']!.replace(from, to) })
}

/** A sync that has caught up with the mapping it is declared with now. */
async function storePosition(change: Partial<Record<string, string>> = {}): Promise<void> {
  const [sync] = (await project.load()).syncs
  const position = {
    nextOffset: 1200n,
    appliedLsn: 0x2_0000_0000n,
    commitTimeMs: 1_700_000_000_000,
    identity: null,
    load: null,
    mappings: { ...mappingHashes(mapSync(sync!.name, sync!.declaration)), ...change } as Record<string, string>,
  }
  platform.stored = [{ sync: 'billing-copy', source: 'shop', epoch: 3n, position, updatedMs: 1_700_000_000_000 }]
}

describe('a plan of a project that was never applied', () => {
  it('shows everything that will be made, and the load', async () => {
    await expect(formatPlan(await plan())).toMatchFileSnapshot('goldens/plan-first.txt')
  })

  it('says the same as data', async () => {
    const text = JSON.stringify(planData(await plan()), null, 2)
    await expect(`${text}\n`).toMatchFileSnapshot('goldens/plan-first.json')
  })

  it('is applied in the order things need each other, and is empty then', async () => {
    const seen: ApplyProgress[] = []
    await apply(await plan(), (progress) => seen.push(progress))
    expect(platform.did).toEqual([
      'create topic shop.log',
      'create topic shop.signals',
      'create publication millrace_shop in shop',
      'put connector shop',
      'put connector archive',
      'create table shop.customers in billing',
    ])
    expect(platform.delivered).toEqual(['SHOP_PASSWORD', 'ARCHIVE_PASSWORD'])
    expect(platform.running.get('archive')!.config['archive.password']).toBe(`\${dir:/secrets:ARCHIVE_PASSWORD}`)
    expect(seen.filter(({ kind }) => kind === 'step')).toHaveLength(12)
    const after = await plan()
    expect(isEmpty(after)).toBe(true)
    expect(after.loads.map(({ sync, state }) => [sync, state])).toEqual([['billing-copy', 'waiting']])
  })

  it('goes on where an interrupted apply stopped', async () => {
    const { put } = platform.connect
    platform.connect.put = async () => {
      throw fault('CONNECT_UNREACHABLE', { url: platform.connectUrl, reason: 'gone' })
    }
    await expect(planAndApply()).rejects.toMatchObject({ code: 'CONNECT_UNREACHABLE' })
    platform.connect.put = put
    const rest = await plan()
    expect(rest.steps.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'connector shop',
      'connector archive',
      'sink billing-copy',
    ])
    await apply(rest)
    expect(isEmpty(await plan())).toBe(true)
  })

  it('asks two replicas to have a record where there are three', async () => {
    platform.replicas = 3
    await planAndApply()
    expect(platform.topicStates.get('shop.log')!.configs).toMatchObject({ 'min.insync.replicas': '2' })
    expect(isEmpty(await plan())).toBe(true)
  })
})

describe('a plan of an applied project', () => {
  beforeEach(async () => {
    await planAndApply()
    platform.did.length = 0
  })

  it('shows what a changed declaration changes, in place', async () => {
    await changeSource("user: 'capture',", "user: 'capture',\n  historyDays: 2,\n  pollMs: 50,")
    const changed = await plan()
    await expect(formatPlan(changed)).toMatchFileSnapshot('goldens/plan-change.txt')
    await apply(changed)
    expect(platform.did).toEqual([
      'configure topic shop.log retention.ms',
      'configure topic shop.signals retention.ms',
      'put connector shop',
    ])
    expect(isEmpty(await plan())).toBe(true)
  })

  it('tells what others changed from what the declaration changed', async () => {
    const { config } = platform.running.get('shop')!
    platform.running.set('shop', {
      ...platform.running.get('shop')!,
      config: { ...config, 'tombstones.on.delete': 'true' },
    })
    const log = platform.topicStates.get('shop.log')!
    platform.topicStates.set('shop.log', { ...log, configs: { ...log.configs, 'retention.ms': '1000' } })
    platform.topicStates.delete('shop.signals')
    platform.sourceReport = {
      ...platform.sourceReport,
      statements: [{ title: 'add the table', sql: 'ALTER PUBLICATION' }],
    }
    const drifted = await plan()
    expect(rows(drifted)).toEqual([
      'drift topic shop.log: somebody changed it',
      'drift topic shop.signals: somebody deleted it',
      'drift publication millrace_shop: somebody changed it',
      'drift connector shop: somebody changed it',
    ])
    await apply(drifted)
    expect(isEmpty(await plan())).toBe(true)
  })

  it('hides what others wrote into a connector as a password', async () => {
    const { config } = platform.running.get('shop')!
    platform.running.set('shop', {
      ...platform.running.get('shop')!,
      config: { ...config, 'database.password': 'hunter2' },
    })
    const drifted = await plan()
    expect(rows(drifted)).toEqual(['drift connector shop: somebody changed it'])
    expect(JSON.stringify(planData(drifted)) + formatPlan(drifted)).not.toContain('hunter2')
  })

  it('restarts a connector whose task failed, and says why it did', async () => {
    const trace =
      'org.x.ConnectException: outer\n\tat a.b(C.java:1)\nCaused by: org.postgresql.PSQLException: slot is gone\n\tat d'
    platform.running.set('shop', { ...platform.running.get('shop')!, tasks: [{ id: 0, state: 'FAILED', trace }] })
    const failed = await plan()
    expect(rows(failed)).toEqual(['restart connector shop: org.postgresql.PSQLException: slot is gone'])
    await apply(failed)
    expect(isEmpty(await plan())).toBe(true)
  })

  it('shows what removing a source takes away, and needs a yes for it', async () => {
    platform.sourceReport = {
      ...platform.sourceReport,
      slot: {
        name: 'millrace_shop',
        database: 'shop',
        plugin: 'pgoutput',
        active: true,
        walStatus: 'reserved',
        restartLsn: 1n,
        confirmedFlushLsn: 1n,
        keptBytes: 0n,
      },
      removal: [
        { title: 'drop slot millrace_shop', sql: "SELECT pg_drop_replication_slot('millrace_shop')" },
        { title: 'drop publication millrace_shop', sql: 'DROP PUBLICATION "millrace_shop"' },
      ],
    }
    await project.write({
      'connectors/shop.ts': null,
      'processors/billing-copy.ts': null,
      'connectors/archive.json': null,
    })
    const removal = await plan()
    await expect(formatPlan(removal)).toMatchFileSnapshot('goldens/plan-removal.txt')
    expect(destructiveSteps(removal).map(({ name }) => name)).toEqual(['shop'])
    await apply(removal)
    expect(platform.did).toEqual([
      'stop connector shop',
      'drop slot millrace_shop in shop',
      'drop publication millrace_shop in shop',
      'delete topic shop.log',
      'delete topic shop.signals',
      'remove connector shop',
      'stop connector archive',
      'remove connector archive',
    ])
    expect(isEmpty(await plan())).toBe(true)
  })

  it('removes nothing while a declaration cannot be read', async () => {
    await project.write({ 'connectors/shop.ts': 'syntax error here' })
    expect((await plan()).steps).toEqual([])
  })

  it('leaves connectors of others alone, and says so where the name is the same', async () => {
    platform.running.set('stranger', { config: { 'connector.class': 'x' }, state: 'RUNNING', tasks: [] })
    expect(isEmpty(await plan())).toBe(true)
    platform.running.set('shop', { config: { 'millrace.project': 'other' }, state: 'RUNNING', tasks: [] })
    const taken = await plan()
    expect(codes(taken)).toEqual(['error CONNECTOR_TAKEN'])
    expect(taken.steps).toEqual([])
  })
})

describe('loads', () => {
  beforeEach(planAndApply)

  const loads = async () => (await plan()).loads.map(({ state, why }) => `${state}: ${why}`)

  it('are no change, and none is left when the sync caught up', async () => {
    expect(await loads()).toEqual(['waiting: it never ran'])
    await storePosition()
    expect(await loads()).toEqual([])
  })

  it('are shown when a mapping changed or a table was added', async () => {
    await storePosition({ 'shop.orders': 'as it was' })
    expect(await loads()).toEqual(['waiting: the mapping of shop.orders changed'])
    await storePosition()
    const mappings = { ...platform.stored[0]!.position!.mappings }
    delete mappings['shop.orders']
    platform.stored = [{ ...platform.stored[0]!, position: { ...platform.stored[0]!.position!, mappings } }]
    expect(await loads()).toEqual(['waiting: shop.orders is new'])
  })

  it('forget the position of a sync that nothing declares any more, where another sync writes', async () => {
    await storePosition()
    platform.stored.push(
      { ...platform.stored[0]!, sync: 'old-copy' },
      { ...platform.stored[0]!, sync: 'else', source: 'else' },
    )
    const forgotten = await plan()
    expect(rows(forgotten)).toEqual([
      'delete position old-copy: nothing declares it any more; its target tables and their rows stay',
    ])
    await apply(forgotten)
    expect(platform.did.at(-1)).toBe('forget it in billing')
  })
})

describe('problems', () => {
  it('of all systems are reported together, and keep the plan from being applied', async () => {
    platform.down = {
      topics: fault('KAFKA_UNREACHABLE', { brokers: 'kafka:9092', reason: 'refused' }),
      connect: fault('CONNECT_UNREACHABLE', { url: 'http://connect:8083', reason: 'refused' }),
      registry: fault('REGISTRY_UNREACHABLE', { url: 'http://registry:8080', reason: 'refused' }),
    }
    platform.sourceReport = {
      ...platform.sourceReport,
      problems: [fault('SOURCE_WAL_LEVEL', { host: 'db', port: 5432, level: 'replica' })],
    }
    await project.write({ 'processors/bad.ts': 'export default 1' })
    const broken = await plan()
    expect(codes(broken).sort()).toEqual([
      'error CONNECT_UNREACHABLE',
      'error DECLARATION_LOAD',
      'error KAFKA_UNREACHABLE',
      'error REGISTRY_UNREACHABLE',
      'error SOURCE_WAL_LEVEL',
    ])
    await expect(apply(broken)).rejects.toMatchObject({ code: 'PLAN_BROKEN' })
    expect(platform.did).toEqual([])
    await expect(formatPlan(broken)).toMatchFileSnapshot('goldens/plan-problems.txt')
  })

  it('of the Connect that is there: plugins, versions, exactly-once, its own validation', async () => {
    platform.plugins = platform.plugins.filter(({ type }) => type !== 'sink')
    platform.plugins[0] = { ...platform.plugins[0]!, version: '3.6.4.Final' }
    platform.plugins.splice(1, 1)
    platform.configErrors = [
      { property: 'exactly.once.support', message: 'This worker does not have exactly-once source support enabled.' },
      { property: 'slot.name', message: 'is odd' },
    ]
    platform.mode = 'BACKWARD'
    expect(codes(await plan()).sort()).toEqual([
      'error CONNECTOR_INVALID',
      'error CONNECT_EXACTLY_ONCE',
      'error CONNECT_PLUGIN_MISSING',
      'error CONNECT_PLUGIN_MISSING',
      'error CONNECT_PLUGIN_OLD',
      'warning REGISTRY_COMPATIBILITY',
    ])
  })

  it('of a log with several partitions, and of secrets that nobody can refer to', async () => {
    platform.topicStates.set('shop.log', { name: 'shop.log', partitions: 6, replicas: 1, configs: {} })
    platform.secretReference = null
    const broken = await plan()
    expect(codes(broken)).toEqual(['error CONNECT_SECRETS', 'error CONNECT_SECRETS', 'error TOPIC_UNFIT'])
    for (const { name } of broken.steps) expect(name).not.toBe('shop.log')
  })

  it('of a connector that fails when it starts end the apply with its cause', async () => {
    platform.taskAfterStart = { id: 0, state: 'FAILED', trace: 'A: outer\nCaused by: B: no pg_hba.conf entry' }
    await expect(planAndApply()).rejects.toMatchObject({
      code: 'CONNECTOR_FAILED',
      message: 'Connector shop failed: B: no pg_hba.conf entry',
    })
  })
})
