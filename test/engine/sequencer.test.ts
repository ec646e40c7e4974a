import { describe, expect, it } from 'vitest'
import type { Change, LogDecoder, LogEvent, LogHeaders, LogRecord } from '../../src/contract/log-event.ts'
import type { TableContract } from '../../src/contract/table.ts'
import { Sequencer } from '../../src/engine/sequencer.ts'

const notes: TableContract = {
  source: 'shop',
  schema: 'public',
  table: 'notes',
  key: ['id'],
  columns: [{ name: 'id', type: { name: 'int4', array: false }, nullable: false, unchangeable: false }],
  replicaIdentity: 'default',
  foreignKeys: [],
  uniques: [],
}
const tags: TableContract = { ...notes, table: 'tags' }

interface Said {
  readonly event: LogEvent
  readonly headers?: LogHeaders
}

const begin = (transaction: string): Said => ({ event: { kind: 'begin', transaction } })
const end = (transaction: string, lsn: bigint, counts: Record<string, number>): Said => ({
  event: { kind: 'end', transaction, lsn, counts: new Map(Object.entries(counts)), commitTimeMs: 0 },
})
const row = (transaction: string, op: Change['op'], table = notes, headers?: LogHeaders): Said => ({
  event: { kind: 'change', transaction: op === 'load' ? null : transaction, lsn: 1n, change: { table, op, row: [1] } },
  ...(headers === undefined ? {} : { headers }),
})

/** Reads what was said; the error code it ends with, or undefined. */
function read(...said: readonly Said[]): string | undefined {
  const decoder: LogDecoder = { prepare: async () => undefined, decode: ({ offset }) => said[Number(offset)]?.event }
  const sequencer = new Sequencer('copy', decoder, new Set(['public.notes', 'public.tags']), false)
  sequencer.expectAfter(10n)
  try {
    said.forEach(({ headers }, offset) => {
      const record: LogRecord = { offset: BigInt(offset), key: null, value: Buffer.alloc(1) }
      sequencer.accept(headers === undefined ? record : { ...record, headers })
    })
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

const leaves = { '__debezium.newkey': Buffer.from('{}') }
const arrives = { '__debezium.oldkey': Buffer.from('{}') }

describe('the frame of the log', () => {
  it('takes whole transactions in commit order, load rows between their events', () => {
    expect(
      read(
        begin('1'),
        row('1', 'insert'),
        row('1', 'load'),
        end('1', 11n, { 'public.notes': 1 }),
        begin('2'),
        end('2', 12n, {}),
      ),
    ).toBeUndefined()
  })
  it('refuses an END that counts otherwise', () => {
    expect(read(begin('1'), row('1', 'insert'), end('1', 11n, { 'public.notes': 2 }))).toBe('LOG_TORN')
    expect(read(begin('1'), end('1', 11n, { 'public.tags': 1 }))).toBe('LOG_TORN')
  })
  it('refuses a BEGIN inside of a transaction, and an event outside of one', () => {
    expect(read(begin('1'), begin('2'))).toBe('LOG_TORN')
    expect(read(row('1', 'insert'))).toBe('LOG_TORN')
  })
  it('refuses a commit that is not later than the last', () => {
    expect(read(begin('1'), end('1', 10n, {}))).toBe('SOURCE_WENT_BACK')
  })
})

describe('the halves of a key update', () => {
  it('belong together', () => {
    expect(
      read(
        begin('1'),
        row('1', 'delete', notes, leaves),
        row('1', 'insert', notes, arrives),
        end('1', 11n, { 'public.notes': 2 }),
      ),
    ).toBeUndefined()
  })
  it('are missed when the second never came, though END counts what was sent', () => {
    expect(read(begin('1'), row('1', 'delete', notes, leaves), end('1', 11n, { 'public.notes': 1 }))).toBe('LOG_TORN')
    expect(read(begin('1'), row('1', 'delete', notes, leaves), row('1', 'insert', tags))).toBe('LOG_TORN')
    expect(read(begin('1'), row('1', 'delete', notes, leaves), row('1', 'insert', notes))).toBe('LOG_TORN')
  })
  it('are not looked for after a delete that is only a delete', () => {
    expect(read(begin('1'), row('1', 'delete'), end('1', 11n, { 'public.notes': 1 }))).toBeUndefined()
  })
})

describe('a load that joins the log in the middle', () => {
  it('does not know that it is outside of a transaction before it has seen a marker', () => {
    const said = [row('1', 'load'), row('1', 'insert'), end('1', 11n, { 'public.notes': 7 })]
    const decoder: LogDecoder = { prepare: async () => undefined, decode: ({ offset }) => said[Number(offset)]?.event }
    const sequencer = new Sequencer('copy', decoder, new Set(['public.notes']), true)
    const outside = said.map((_event, offset) => {
      sequencer.accept({ offset: BigInt(offset), key: null, value: null })
      return sequencer.outside
    })
    expect(outside).toEqual([false, false, true])
  })
})
