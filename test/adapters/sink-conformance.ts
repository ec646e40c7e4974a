import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColumnType, ScalarType } from '../../src/contract/table.ts'
import type { TargetTable } from '../../src/contract/target-table.ts'
import { type ColumnValue, Decimal, unchanged } from '../../src/contract/values.ts'
import type { Position, SinkChange, SyncSink } from '../../src/engine/ports.ts'

/** One place with targets in it that several sinks of one sync can be opened on. */
export interface SinkPlace {
  /** Another owner of the same sync. */
  sink(): SyncSink
  /** Rows of a target as texts, in column order, sorted by the texts of the key. */
  rows(table: number): Promise<(string | null)[][]>
}

export interface SinkFixture {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
  /** A new, empty place with these targets. */
  place(targets: readonly TargetTable[]): Promise<SinkPlace>
  /** False: the store has no foreign keys and no unique values to break. */
  readonly constraints: boolean
  /** What this sink still owes, with the reason; the checks concerned are left out. */
  readonly waivers?: {
    readonly missingAfterDelete?: string
    readonly absentAfterWhole?: string
    readonly violationValues?: string
  }
}

/** What every sink owes the engine. Each adapter's tests call this with its own fixture. */
export function sinkConformance(fixture: SinkFixture): void {
  describe(`${fixture.name}: what every sink does`, () => {
    beforeAll(() => fixture.start(), 60_000)
    afterAll(() => fixture.stop(), 60_000)

    it('stores nothing before commit, and everything with the position after', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      const transaction = await sink.begin(epoch)
      await transaction.apply([item(1n, 'one'), item(2n, 'two')], 'together', 'target')
      expect(await place.rows(0)).toEqual([])
      expect((await sink.position()).position).toBeNull()
      await transaction.commit(at(7n))
      expect(await place.rows(0)).toEqual([
        ['1', 'one', null, '1'],
        ['2', 'two', null, '1'],
      ])
      expect(await sink.position()).toEqual({ epoch, position: at(7n) })
      await sink.close()
    })

    it('forgets everything on rollback, which may be called twice', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      const transaction = await sink.begin(epoch)
      await transaction.apply([item(1n, 'one')], 'together', 'target')
      await transaction.rollback()
      await transaction.rollback()
      expect(await place.rows(0)).toEqual([])
      expect((await sink.position()).position).toBeNull()
      await (await sink.begin(epoch)).commit(at(1n))
      expect((await sink.position()).position).toEqual(at(1n))
      await sink.close()
    })

    it('gives a position back as it was stored, a load under way included', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      const position: Position = {
        nextOffset: 9_007_199_254_740_993n,
        appliedLsn: 0xffff_ffff_ffff_fff0n,
        commitTimeMs: 1_767_225_600_123,
        identity: { systemIdentifier: '7412345678901234567', timeline: 3 },
        load: {
          id: 'load-1',
          from: 'signal',
          into: 'staging',
          phase: 'settling',
          tables: ['public.items'],
          covered: [],
          untilLsn: 0x1_0000_0001n,
          untilMs: 1_767_225_600_456,
          round: 2,
          again: ['public.items'],
          clear: [],
        },
        mappings: { 'public.items': 'abc' },
      }
      await (await sink.begin(epoch)).commit(position)
      expect((await sink.position()).position).toEqual(position)
      const next = place.sink()
      expect(await next.takeOver()).toEqual({ epoch: epoch + 1n, position })
      await next.close()
      await sink.close()
    })

    it('fences the owner before, also in the middle of its transaction', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      const next = place.sink()
      const transaction = await sink.begin(epoch)
      await transaction.apply([item(1n, 'old')], 'together', 'target')
      const takingOver = next.takeOver()
      const committed = await transaction.commit(at(5n)).then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'FENCED' })
          return false
        },
      )
      const { epoch: newer, position } = await takingOver
      expect(newer).toBe(epoch + 1n)
      expect(position).toEqual(committed ? at(5n) : null)
      expect(await place.rows(0)).toHaveLength(committed ? 1 : 0)
      await expect(sink.begin(epoch)).rejects.toMatchObject({ code: 'FENCED' })
      await (await next.begin(newer)).commit(at(6n))
      await sink.close()
      await next.close()
    })

    it('keeps the last image of each key', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      await write(sink, epoch, [
        item(1n, 'a'),
        item(2n, 'b'),
        item(1n, 'c'),
        remove(2n),
        item(3n, 'd'),
        remove(3n),
        item(3n, 'e'),
      ])
      expect(await place.rows(0)).toEqual([
        ['1', 'c', null, '1'],
        ['3', 'e', null, '1'],
      ])
      await sink.close()
    })

    it('leaves unchanged values as they are, and takes them from an earlier image of the group', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      await write(sink, epoch, [upsert(1n, 'a', 'long 1', 1)])
      const missing = await write(sink, epoch, [
        upsert(1n, 'b', unchanged, 2),
        upsert(2n, 'c', 'long 2', 3),
        upsert(2n, 'd', unchanged, 4),
      ])
      expect(missing).toEqual([])
      expect(await place.rows(0)).toEqual([
        ['1', 'b', 'long 1', '2'],
        ['2', 'd', 'long 2', '4'],
      ])
      await sink.close()
    })

    for (const how of ['together', 'inOrder'] as const) {
      it(`tells which partial images had no row (${how})`, async () => {
        const { sink, place, epoch } = await owned(fixture, [items])
        await write(sink, epoch, [item(1n, 'a'), item(5n, 'e')])
        const lost = upsert(2n, 'x', unchanged, 1)
        const lostAgain = upsert(2n, 'y', unchanged, 2)
        const afterDelete = upsert(1n, 'z', unchanged, 3)
        const beforeDelete = upsert(3n, 'w', unchanged, 1)
        const healed = upsert(4n, 'v', unchanged, 1)
        const changes = [
          lost,
          remove(1n),
          afterDelete,
          lostAgain,
          beforeDelete,
          remove(3n),
          healed,
          upsert(4n, 'whole', null, 9),
          upsert(5n, 'there', unchanged, 2),
        ]
        const missing = await write(sink, epoch, changes, how)
        const all = how === 'inOrder' ? [lost, lostAgain, afterDelete, beforeDelete, healed] : [lostAgain, afterDelete]
        expect(rowsOf(missing)).toEqual(rowsOf(all))
        expect(await place.rows(0)).toEqual([
          ['4', 'whole', null, '9'],
          ['5', 'there', null, '2'],
        ])
        await sink.close()
      })

      it(`writes NULL over a value, and leaves alone what the log does not carry (${how})`, async () => {
        const { sink, place, epoch } = await owned(fixture, [items])
        await write(sink, epoch, [upsert(1n, 'a', 'n', 1), upsert(2n, 'b', 'm', 2)], how)
        await write(sink, epoch, [upsert(1n, null, undefined, 3), upsert(2n, undefined, null, null)], how)
        await write(sink, epoch, [upsert(3n, 'new', undefined, 1)], how)
        expect(await place.rows(0)).toEqual([
          ['1', null, 'n', '3'],
          ['2', 'b', null, null],
          ['3', 'new', null, '1'],
        ])
        await sink.close()
      })

      it(`empties a table in its place among the changes (${how})`, async () => {
        const { sink, place, epoch } = await owned(fixture, [items, lines])
        await write(sink, epoch, [item(1n, 'a'), line(1n, 1, 'x')], how)
        await write(sink, epoch, [item(2n, 'b'), { op: 'truncate', table: 0 }, item(3n, 'c'), line(1n, 2, 'y')], how)
        expect(await place.rows(0)).toEqual([['3', 'c', null, '1']])
        expect(await place.rows(1)).toHaveLength(2)
        await sink.close()
      })

      it(`keeps composite keys apart (${how})`, async () => {
        const { sink, place, epoch } = await owned(fixture, [items, lines])
        await write(sink, epoch, [line(1n, 11, 'a'), line(11n, 1, 'b'), line(1n, 11, 'c')], how)
        await write(sink, epoch, [{ op: 'delete', table: 1, values: [11n, 1, undefined, undefined] }], how)
        expect(await place.rows(1)).toEqual([['1', '11', 'c', '1.50']])
        await sink.close()
      })
    }

    it('gives a row another key and keeps its unchanged values', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      await write(sink, epoch, [upsert(1n, 'a', 'long', 1)])
      const move = {
        op: 'move',
        table: 0,
        from: [1n, undefined, undefined, undefined],
        values: [2n, 'b', unchanged, 2],
      } as const
      expect(await write(sink, epoch, [move], 'inOrder')).toEqual([])
      expect(await write(sink, epoch, [move], 'inOrder')).toEqual([move])
      expect(await place.rows(0)).toEqual([['2', 'b', 'long', '2']])
      await sink.close()
    })

    it('merges staging into the targets, deletes included', async () => {
      const { sink, place, epoch } = await owned(fixture, [items, lines])
      await write(sink, epoch, [item(1n, 'stays'), item(2n, 'goes'), item(3n, 'changes'), line(2n, 1, 'goes')])
      const start = await sink.begin(epoch)
      await start.clear('staging')
      await start.apply([item(1n, 'stays'), item(3n, 'old')], 'together', 'staging')
      await start.commit(at(2n))
      expect(await place.rows(0)).toHaveLength(3)
      const more = await sink.begin(epoch)
      await more.apply([item(3n, 'changed'), item(4n, 'comes'), item(5n, 'gone')], 'together', 'staging')
      await more.apply([remove(5n)], 'inOrder', 'staging')
      expect((await more.apply([upsert(6n, 'x', unchanged, 1)], 'together', 'staging')).missing).toHaveLength(1)
      await more.mergeStaging()
      await more.apply([item(7n, 'after')], 'together', 'target')
      await more.commit(at(3n))
      expect((await place.rows(0)).map(([id, name]) => `${id} ${name}`)).toEqual([
        '1 stays',
        '3 changed',
        '4 comes',
        '7 after',
      ])
      expect(await place.rows(1)).toEqual([])
      await sink.close()
    })

    it('makes staging anew when a load starts over', async () => {
      const { sink, place, epoch } = await owned(fixture, [items])
      for (const name of ['first', 'second']) {
        const transaction = await sink.begin(epoch)
        await transaction.clear('staging')
        if (name === 'first') await transaction.apply([item(9n, 'left over')], 'together', 'staging')
        else await transaction.apply([item(1n, name)], 'together', 'staging')
        await transaction.commit(at(1n))
      }
      const transaction = await sink.begin(epoch)
      await transaction.mergeStaging()
      await transaction.commit(at(2n))
      expect((await place.rows(0)).map(([id]) => id)).toEqual(['1'])
      await sink.close()
    })

    it('clears the targets, and knows when they are empty', async () => {
      const { sink, place, epoch } = await owned(fixture, [items, lines])
      expect(await sink.targetsEmpty()).toBe(true)
      await write(sink, epoch, [line(1n, 1, 'x'), item(1n, 'a')])
      expect(await sink.targetsEmpty()).toBe(false)
      const transaction = await sink.begin(epoch)
      await transaction.clear('target')
      await transaction.commit(at(2n))
      expect(await place.rows(1)).toEqual([])
      expect(await sink.targetsEmpty()).toBe(true)
      await sink.close()
    })

    it('applies any changes in any grouping as one by one', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyChange, { maxLength: 40 }),
          fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
          async (generated, cuts) => {
            const changes = fixture.waivers?.absentAfterWhole === undefined ? generated : generated.map(withoutAbsent)
            const { sink, place, epoch } = await owned(fixture, [items, lines])
            const model = new Model()
            for (let from = 0; from < changes.length; ) {
              const size = cuts.next().value as number
              const group = changes.slice(from, from + size)
              const missing = await write(sink, epoch, group)
              const expected = model.apply(group)
              // Whether a truncate settles a row before it is the sink's to say.
              const compared =
                fixture.waivers?.missingAfterDelete === undefined && group.every(({ op }) => op !== 'truncate')
              if (compared) expect(rowsOf(missing)).toEqual(rowsOf(expected))
              from += size
            }
            expect(await place.rows(0)).toEqual(model.rows(0))
            expect(await place.rows(1)).toEqual(model.rows(1))
            await sink.close()
          },
        ),
        { numRuns: 30 },
      )
    }, 120_000)

    if (fixture.constraints) constraintConformance(fixture)
  })
}

function constraintConformance(fixture: SinkFixture): void {
  it('takes rows that refer to each other in any order, and values that move between rows', async () => {
    const { sink, place, epoch } = await owned(fixture, [parents, children])
    await write(sink, epoch, [child(1n, 1n, 'a'), parent(1n, 'p'), child(2n, 1n, 'b')])
    await write(sink, epoch, [child(1n, 1n, 'b'), child(2n, 1n, 'a')])
    await write(sink, epoch, [
      { op: 'delete', table: 0, values: [1n, undefined] },
      parent(2n, 'p'),
      child(1n, 2n, 'b'),
      child(2n, 2n, 'a'),
    ])
    expect(await place.rows(1)).toEqual([
      ['1', '2', 'b'],
      ['2', '2', 'a'],
    ])
    await sink.close()
  })

  it('names table, constraint and row of a violation, and keeps nothing', async () => {
    const { sink, place, epoch } = await owned(fixture, [parents, children])
    await write(sink, epoch, [parent(1n, 'p')])
    const transaction = await sink.begin(epoch)
    const error = await transaction
      .apply([child(1n, 1n, 'a'), child(2n, 7n, 'secret')], 'inOrder', 'target')
      .then(() => transaction.commit(at(9n)))
      .then(
        () => undefined,
        (thrown) => thrown,
      )
    await transaction.rollback()
    expect(error).toMatchObject({ code: 'SINK_CONSTRAINT', retriable: false })
    expect(error.message).toContain('children')
    expect(error.message).toContain('7')
    if (fixture.waivers?.violationValues === undefined) expect(error.message).not.toContain('secret')
    expect(await place.rows(1)).toEqual([])
    await write(sink, epoch, [child(1n, 1n, 'a')])
    expect(await place.rows(1)).toHaveLength(1)
    await sink.close()
  })
}

// Tables

const type = (name: ScalarType, more: Partial<ColumnType> = {}): ColumnType => ({ name, array: false, ...more })
const column = (name: string, scalar: ScalarType, nullable = true, more: Partial<ColumnType> = {}) => ({
  name,
  type: type(scalar, more),
  nullable,
})

export const items: TargetTable = {
  schema: 'shop',
  table: 'items',
  columns: [column('id', 'int8', false), column('name', 'text'), column('note', 'text'), column('qty', 'int4')],
  key: ['id'],
  foreignKeys: [],
  uniques: [],
}

const lines: TargetTable = {
  schema: 'shop',
  table: 'lines',
  columns: [
    column('item_id', 'int8', false),
    column('line', 'int4', false),
    column('text', 'text'),
    column('price', 'numeric', true, { precision: 10, scale: 2 }),
  ],
  key: ['item_id', 'line'],
  foreignKeys: [],
  uniques: [],
}

const parents: TargetTable = {
  schema: 'shop',
  table: 'parents',
  columns: [column('id', 'int8', false), column('name', 'text')],
  key: ['id'],
  foreignKeys: [],
  uniques: [['name']],
}

const children: TargetTable = {
  schema: 'shop',
  table: 'children',
  columns: [column('id', 'int8', false), column('parent_id', 'int8'), column('tag', 'text')],
  key: ['id'],
  foreignKeys: [
    {
      name: 'children_parent_fkey',
      columns: ['parent_id'],
      references: { schema: 'shop', table: 'parents', columns: ['id'] },
    },
  ],
  uniques: [['tag']],
}

function upsert(id: bigint, ...rest: ColumnValue[]): SinkChange {
  return { op: 'upsert', table: 0, values: [id, ...rest] }
}

function item(id: bigint, name: string): SinkChange {
  return upsert(id, name, null, 1)
}

function remove(id: bigint): SinkChange {
  return { op: 'delete', table: 0, values: [id, undefined, undefined, undefined] }
}

function line(id: bigint, number: number, text: string): SinkChange {
  return { op: 'upsert', table: 1, values: [id, number, text, new Decimal('1.50')] }
}

function parent(id: bigint, name: string): SinkChange {
  return { op: 'upsert', table: 0, values: [id, name] }
}

function child(id: bigint, parentId: bigint, tag: string): SinkChange {
  return { op: 'upsert', table: 1, values: [id, parentId, tag] }
}

// Running

/** The rows that changes are of: a sink may tell several changes of a row as one. */
function rowsOf(changes: Iterable<SinkChange>): string[] {
  const names = [...changes].map((change) => {
    if (change.op === 'truncate') return String(change.table)
    const { values } = change.op === 'move' ? { values: change.from } : change
    return `${change.table}:${values.slice(0, change.table + 1)}`
  })
  return [...new Set(names)].sort()
}

export async function owned(fixture: Pick<SinkFixture, 'place'>, targets: readonly TargetTable[]) {
  const place = await fixture.place(targets)
  const sink = place.sink()
  const { epoch, position } = await sink.takeOver()
  expect(position).toBeNull()
  return { place, sink, epoch }
}

export async function write(
  sink: SyncSink,
  epoch: bigint,
  changes: readonly SinkChange[],
  how: 'together' | 'inOrder' = 'together',
): Promise<readonly SinkChange[]> {
  const transaction = await sink.begin(epoch)
  const { missing } = await transaction.apply(changes, how, 'target')
  await transaction.commit(at(1n))
  return missing
}

export function at(nextOffset: bigint): Position {
  return {
    nextOffset,
    appliedLsn: nextOffset * 100n,
    commitTimeMs: 1_700_000_000_000,
    identity: null,
    load: null,
    mappings: {},
  }
}

// The model: one by one, nothing clever

const someText = fc.constantFrom('a', '', 'NULL', '{"x\\y"}', "it's, ünï", null)
const anyChange: fc.Arbitrary<SinkChange> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.oneof(someText, fc.constant(undefined)),
        fc.oneof(someText, fc.constant(unchanged)),
        fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(undefined)),
      )
      .map(([id, ...rest]): SinkChange => upsert(BigInt(id), ...rest)),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }).map((id): SinkChange => remove(BigInt(id))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }), someText)
      .map(([id, at, text]): SinkChange => ({ op: 'upsert', table: 1, values: [BigInt(id), at, text, '2.00'] })),
  },
  { weight: 1, arbitrary: fc.constantFrom<SinkChange>({ op: 'truncate', table: 0 }, { op: 'truncate', table: 1 }) },
)

function withoutAbsent(change: SinkChange): SinkChange {
  if (change.op !== 'upsert') return change
  return { ...change, values: change.values.map((value) => (value === undefined ? null : value)) }
}

class Model {
  readonly #tables = [new Map<string, ColumnValue[]>(), new Map<string, ColumnValue[]>()]
  readonly #keys = [1, 2]

  /** Returns the partial images whose row was not there, and which nothing later in the group made void. */
  apply(changes: readonly SinkChange[]): Iterable<SinkChange> {
    const missing = new Map<string, SinkChange>()
    for (const change of changes) {
      const table = this.#tables[change.table]!
      if (change.op === 'truncate') {
        table.clear()
        continue
      }
      if (change.op === 'move') continue
      const row = `${change.table}:${change.values.slice(0, this.#keys[change.table])}`
      const key = change.values.slice(0, this.#keys[change.table]).join('/')
      if (change.op === 'delete' || !change.values.includes(unchanged)) missing.delete(row)
      const before = table.get(key)
      if (change.op === 'delete') table.delete(key)
      else if (before)
        table.set(
          key,
          change.values.map((value, at) => (value === unchanged || value === undefined ? before[at] : value)),
        )
      else if (change.values.includes(unchanged)) missing.set(row, change)
      else
        table.set(
          key,
          change.values.map((value) => value ?? null),
        )
    }
    return missing.values()
  }

  rows(table: number): (string | null)[][] {
    return sortedRows(
      [...this.#tables[table]!.values()].map((row) => row.map((value) => (value === null ? null : String(value)))),
      this.#keys[table]!,
    )
  }
}

export function sortedRows(rows: (string | null)[][], keys: number): (string | null)[][] {
  const key = (row: (string | null)[]) => JSON.stringify(row.slice(0, keys))
  return rows.toSorted((one, other) => (key(one) < key(other) ? -1 : 1))
}
