import { createHook } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../../src/contract/log-event.ts'
import { type ColumnValue, Decimal } from '../../src/contract/values.ts'
import { sync } from '../../src/declare/sync.ts'
import { SimSync } from '../support/sim-sync.ts'
import { customers, items, orders, sinkDeclaration } from '../support/sim-tables.ts'

const C = customers.contract
const O = orders.contract
const I = items.contract
const whole = sync({ from: { customers, orders, items }, to: sinkDeclaration })
const customer = (id: bigint, name = 'Ada') => ({
  op: 'insert' as const,
  table: C,
  row: [id, name, `${id}@example.org`, 'long'],
})
const order = (id: bigint, status = 'placed') => ({
  op: 'insert' as const,
  table: O,
  row: [id, 1n, status, new Decimal(1), null],
})

async function live(declaration: unknown = whole, ...more: [object?, object?]): Promise<SimSync> {
  const sim = new SimSync(declaration, ...more)
  sim.source.commit([customer(1n)], 0)
  sim.start()
  await sim.load()
  expect(sim.state).toBe('live')
  return sim
}

describe('a transaction that the sink refuses', () => {
  it('stops the sync there, with all before it applied, and goes on when the cause is gone', async () => {
    const sim = await live()
    // Someone else's row holds the unique value.
    sim.sink.store.inOrder([{ op: 'upsert', table: 0, values: [99n, 'Eve', '3@example.org', null] }])
    sim.sink.store.keep()
    sim.source.commit([customer(2n)], 5)
    const { id } = sim.source.commit([customer(3n)], 6)
    sim.source.commit([customer(4n)], 7)
    sim.capture.drain()
    await sim.rest()
    expect(sim.state).toBe('stopped')
    expect(sim.error).toBe('SYNC_CONSTRAINT')
    expect(sim.message).toContain(`transaction ${id}`)
    expect(sim.rows(0).map((row) => row[0])).toEqual([1n, 99n, 2n])

    await sim.wait(100)
    expect(sim.state).toBe('stopped')
    const pauses = sim.events.flatMap((event) => (event.kind === 'error' ? [event.retryInMs] : []))
    expect(pauses.length).toBeGreaterThan(5)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000)

    sim.sink.store.inOrder([{ op: 'delete', table: 0, values: [99n, undefined, undefined, undefined] }])
    sim.sink.store.keep()
    await sim.wait(40)
    expect(sim.state).toBe('live')
    expect(sim.rows(0).map((row) => row[0])).toEqual([1n, 2n, 3n, 4n])
    await sim.stop()
  })

  it('is tried one by one first: what only an order breaks goes through', async () => {
    const sim = await live(whole, {}, { constraints: 'immediate' })
    await sim.commit(customer(2n))
    const swap = (id: bigint, email: string | null) => ({ op: 'update' as const, table: C, key: [id], set: { email } })
    await sim.commit(swap(1n, null), swap(2n, '1@example.org'), swap(1n, '2@example.org'))
    expect(sim.state).toBe('live')
    expect(sim.events.some((event) => event.kind === 'note' && event.text.includes('one transaction at a time'))).toBe(
      true,
    )
    expect(sim.rows(0).map((row) => row[2])).toEqual(['2@example.org', '1@example.org'])
    await sim.stop()
  })
})

describe('a function that fails', () => {
  it('stops its sync at that transaction, and names what and where', async () => {
    const picky = sync({
      from: { customers, orders },
      to: sinkDeclaration,
      tables: {
        orders: {
          where: (order) => {
            if (order.status === 'poison') throw new Error('cannot judge poison')
            return true
          },
          columns: ['id', 'customer_id', 'status'],
        },
      },
    })
    const sim = await live(picky)
    sim.source.commit([order(1n)], 5)
    const { id } = sim.source.commit([order(2n), order(3n, 'poison')], 6)
    sim.capture.drain()
    await sim.rest()
    expect(sim.state).toBe('stopped')
    expect(sim.error).toBe('SYNC_FUNCTION_FAILED')
    expect(sim.message).toMatch(new RegExp(`transaction ${id} .*public.orders.*id=3.*cannot judge poison`))
    expect(sim.rows(1).map((row) => row[0])).toEqual([1n])
    await sim.stop()
  })
})

describe('a log that is not what it should be', () => {
  it('without the records the position needs stops the sync, and touches nothing', async () => {
    const sim = await live()
    await sim.stop()
    await sim.commit(customer(2n))
    sim.log.cut(sim.log.range.next)
    sim.start()
    await sim.rest()
    expect([sim.state, sim.error]).toEqual(['stopped', 'LOG_SHORTER'])
    expect(sim.rows(0)).toHaveLength(1)
    await sim.stop()
  })

  it('made anew is told from the old one by the END before the position', async () => {
    const sim = await live()
    await sim.stop()
    sim.log.replace()
    for (let id = 2n; id < 9n; id++) await sim.commit(customer(id))
    sim.start()
    await sim.rest()
    expect([sim.state, sim.error]).toEqual(['stopped', 'LOG_REPLACED'])
    await sim.stop()
  })

  it('of another Postgres stops the sync', async () => {
    const sim = await live()
    sim.source.identity = { systemIdentifier: '7000000000000000002', timeline: 1 }
    await sim.commit()
    expect([sim.state, sim.error]).toEqual(['stopped', 'SOURCE_REPLACED'])
    await sim.stop()
  })

  it('of a source that went back stops the sync', async () => {
    const sim = await live()
    const past = { kind: 'end', transaction: '9', lsn: 1n, counts: new Map(), commitTimeMs: 9 } as const
    sim.log.append([{ kind: 'begin', transaction: '9' }, past])
    await sim.rest()
    expect([sim.state, sim.error]).toEqual(['stopped', 'SOURCE_WENT_BACK'])
    await sim.stop()
  })

  it('with a torn transaction is loaded around; the targets stay as they were until then', async () => {
    const sim = await live()
    const { position } = sim.sink
    sim.log.append([
      { kind: 'begin', transaction: '9' },
      { kind: 'begin', transaction: '10' },
    ])
    await sim.rest()
    expect(sim.signals).toHaveLength(1)
    expect(sim.sink.position).toMatchObject({
      appliedLsn: position!.appliedLsn,
      load: { into: 'staging', from: 'signal' },
    })
    expect(sim.rows(0)).toHaveLength(1)
    for (let beat = 0; beat < 9; beat++) {
      sim.clock.advance(1)
      await sim.commit()
    }
    expect(sim.state).toBe('live')
    expect(sim.rows(0)).toHaveLength(1)
    await sim.stop()
  })
})

describe('TRUNCATE', () => {
  const truncate = { op: 'truncate' as const, table: I }
  const item = { op: 'insert' as const, table: I, row: [1n, 1, 5] }
  it.each([
    ['apply', [], 'live'],
    ['ignore', [[1n, 1, 5]], 'live'],
    ['stop', [[1n, 1, 5]], 'stopped'],
  ] as const)('with policy %s', async (policy, rows, state) => {
    const sim = await live(sync({ from: { customers, items }, to: sinkDeclaration, truncate: policy }))
    await sim.commit(item)
    await sim.commit(truncate)
    expect(sim.rows(1)).toEqual(rows)
    expect(sim.state).toBe(state)
    if (state === 'stopped') expect(sim.error).toBe('SYNC_TRUNCATED')
    await sim.stop()
  })
})

describe('a load', () => {
  it('by signal reads a table again when a partial image came first, and is whole after that', async () => {
    const sim = new SimSync(sync({ from: { customers }, to: sinkDeclaration }))
    sim.source.commit([customer(1n), customer(2n)], 0)
    sim.log.gap(1)
    sim.log.cut(1n)
    sim.start()
    await sim.rest()
    expect(sim.state).toBe('snapshotting')
    const lsn = sim.source.lsn
    const snapshot = (rows: readonly (readonly ColumnValue[])[], ...meanwhile: readonly LogEvent[]): LogEvent[] => {
      const said = { kind: 'snapshot', scope: 'incremental', tables: ['public.customers'], timeMs: 0 } as const
      const { id } = sim.signals.at(-1)!
      return [
        { ...said, id, status: 'started' },
        ...meanwhile,
        ...rows.map(
          (row) => ({ kind: 'change', transaction: null, lsn, change: { table: C, op: 'load', row } }) as const,
        ),
        { ...said, id, status: 'table-done' },
        { ...said, id, status: 'completed', tables: [] },
      ]
    }
    const beat = () => sim.source.commit([], sim.clock.nowMs(), true)
    const written = ({ begin, events, end }: ReturnType<typeof beat>) => [begin, ...events, end]
    // The row's only event stands in the window of its chunk: the row as it was read is dropped, and the event is partial.
    const update = { op: 'update' as const, table: C, key: [2n], set: { name: 'Bo' } }
    const ada = [1n, 'Ada', '1@example.org', 'long']
    sim.log.append([...snapshot([ada], ...written(sim.source.commit([update], sim.clock.nowMs()))), ...written(beat())])
    await sim.rest()
    expect(sim.signals).toHaveLength(2)
    expect(sim.sink.position).toMatchObject({ appliedLsn: null, load: { round: 2, tables: ['public.customers'] } })

    sim.log.append([...snapshot([ada, [2n, 'Bo', '2@example.org', 'long']]), ...written(beat())])
    await sim.rest()
    expect(sim.state).toBe('live')
    expect(sim.rows(0).map((row) => row[1])).toEqual(['Ada', 'Bo'])
    await sim.stop()
  })

  it('with a changed mapping goes through staging; the targets stay as they were until it is whole', async () => {
    const sim = await live(sync({ from: { customers }, to: sinkDeclaration }))
    await sim.stop()
    const images: number[] = []
    const changed = new SimSync(
      sync({
        from: { customers },
        to: sinkDeclaration,
        tables: { customers: { where: (row) => row.id > 1n, columns: ['id', 'name'] } },
      }),
      {},
      { committed: () => images.push(changed.sink.store.rows(0).size) },
    )
    changed.sink.position = sim.sink.position
    changed.sink.store.inOrder([{ op: 'upsert', table: 0, values: [1n, 'Ada'] }])
    changed.sink.store.keep()
    changed.source.commit([customer(1n), customer(2n), customer(3n)], 0)
    changed.start()
    await changed.load()
    expect(changed.state).toBe('live')
    expect(images.slice(0, -1).every((size) => size === 1)).toBe(true)
    expect(changed.rows(0).map((row) => row[0])).toEqual([2n, 3n])
    await changed.stop()
  })
})

describe('signals that cannot be sent', () => {
  it('fail the sync with growing pauses, and it goes on when they can', async () => {
    const sim = new SimSync(sync({ from: { customers }, to: sinkDeclaration }))
    sim.source.commit([customer(1n)], 0)
    sim.log.gap(1)
    sim.log.cut(1n)
    sim.signalsDown = true
    sim.start()
    for (let beat = 0; beat < 30; beat++) {
      await sim.commit()
      await sim.wait(1)
    }
    expect(sim.state).toBe('failed')
    const pauses = sim.events.flatMap((event) => (event.kind === 'error' ? [event.retryInMs] : []))
    expect(pauses.at(-1)).toBeGreaterThan(4000)
    sim.signalsDown = false
    await sim.wait(30)
    expect(sim.state).toBe('snapshotting')
    for (let beat = 0; beat < 5; beat++) {
      sim.clock.advance(1)
      await sim.commit()
    }
    expect(sim.state).toBe('live')
    await sim.stop()
  })
})

describe('bounds', () => {
  it('stream a transaction of any size in chunks, and commit it at once', async () => {
    const sim = await live(whole, { chunkChanges: 100, groupChanges: 200 })
    sim.events.length = 0
    await sim.commit(...Array.from({ length: 5000 }, (_, index) => customer(BigInt(index + 2))))
    for (let turn = 0; turn < 20; turn++) await sim.rest()
    expect(sim.rows(0)).toHaveLength(5001)
    expect(sim.events.flatMap((event) => (event.kind === 'applied' ? [event.changes] : []))).toEqual([5000])
    await sim.stop()
  })

  it('make no promise per record', async () => {
    const sim = await live(whole, {}, { constraints: 'none' })
    for (let start = 2; start < 20_002; start += 500) {
      sim.source.commit(
        Array.from({ length: 500 }, (_, index) => customer(BigInt(start + index))),
        5,
      )
    }
    let promises = 0
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PROMISE') promises++
      },
    })
    sim.capture.drain()
    hook.enable()
    for (let turn = 0; turn < 50; turn++) await sim.rest()
    hook.disable()
    expect(sim.rows(0)).toHaveLength(20_001)
    // In batches of 500 records; even a promise for one record in four would show.
    expect(promises).toBeLessThan(5000)
    await sim.stop()
  })
})

it('leaves what is whole committed when it is told to leave', async () => {
  const sim = await live()
  await sim.commit(customer(2n))
  await sim.stop()
  expect(sim.state).toBe('standby')
  expect(sim.sink.busy).toBe(false)
  expect(sim.sink.position?.appliedLsn).toBe(sim.source.lsn)
})
