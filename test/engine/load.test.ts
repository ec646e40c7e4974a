import { describe, expect, it } from 'vitest'
import {
  afterTruncate,
  beginLoad,
  nextRound,
  onIncremental,
  type SnapshotNotice,
  settles,
  skipsTransactions,
  takesRow,
  uncovered,
} from '../../src/engine/load.ts'
import type { LoadState } from '../../src/engine/ports.ts'

const fresh = beginLoad({ id: 'mine', from: 'signal', into: 'target', tables: ['a.x', 'a.y'] })
const notice = (status: SnapshotNotice['status'], id = 'mine', tables: readonly string[] = []): SnapshotNotice => ({
  kind: 'snapshot',
  scope: 'incremental',
  status,
  id,
  tables,
  timeMs: 1000,
})
function heard(load: LoadState, ...notices: readonly SnapshotNotice[]): LoadState {
  return notices.reduce((state, next) => onIncremental(state, next).load, load)
}

describe('the start of an incremental snapshot', () => {
  it('is ours by its id, or by covering all of our tables', () => {
    expect(heard(fresh, notice('started')).phase).toBe('rows')
    expect(heard(fresh, notice('started', 'other', ['a.y', 'a.x', 'a.z'])).phase).toBe('rows')
    expect(heard(fresh, notice('started', 'other', ['a.x'])).phase).toBe('awaiting')
  })
  it('may have been swallowed by one that ends before it', () => {
    expect(onIncremental(fresh, notice('completed', 'other')).demand).toBe('ask')
    expect(onIncremental(fresh, notice('progress', 'other')).demand).toBe('wait')
  })
})

describe('the end of an incremental snapshot', () => {
  const started = heard(fresh, notice('started'))
  it('counts whatever id it bears, and tells what was not scanned', () => {
    const done = heard(started, notice('table-done', 'newer', ['a.x']), notice('completed', 'newer'))
    expect(done.phase).toBe('settling')
    expect(uncovered(done)).toEqual(['a.y'])
  })
  it('by abortion asks for the rest, or settles when there is none', () => {
    expect(onIncremental(started, notice('aborted')).demand).toBe('round')
    const all = heard(started, notice('table-done', 'mine', ['a.x']), notice('table-done', 'mine', ['a.y']))
    expect(heard(all, notice('aborted')).phase).toBe('settling')
  })
  it('is not undone by a second start', () => {
    const done = heard(started, notice('completed'))
    expect(heard(done, notice('started')).phase).toBe('settling')
  })
  it('is whole from a commit on that is late enough, by LSN and by time', () => {
    const done = { ...heard(started, notice('completed')), untilLsn: 50n }
    expect(settles(done, 49n, 9000, 500)).toBe(false)
    expect(settles(done, 50n, 1500, 500)).toBe(false)
    expect(settles(done, 50n, 1501, 500)).toBe(true)
  })
})

describe('rows and transactions', () => {
  const started = heard(fresh, notice('started'))
  it('are skipped before the first start, never before a later one', () => {
    expect(skipsTransactions(fresh)).toBe(true)
    expect(skipsTransactions(started)).toBe(false)
    expect(skipsTransactions(nextRound(started, 'next', ['a.x']))).toBe(false)
  })
  it('of a table count until its scan is over', () => {
    expect(takesRow(started, 'a.x')).toBe(true)
    expect(takesRow(heard(started, notice('table-done', 'mine', ['a.x'])), 'a.x')).toBe(false)
    expect(takesRow(started, 'a.z')).toBe(false)
  })
})

describe('a TRUNCATE', () => {
  const started = heard(fresh, notice('started'))
  it('while its table is scanned has the table emptied and read once more', () => {
    expect(afterTruncate(started, 'a.x').clear).toEqual(['a.x'])
    expect(nextRound(afterTruncate(started, 'a.x'), 'next', ['a.y']).clear).toEqual(['a.x'])
  })
  it('after the scan is only a TRUNCATE', () => {
    expect(afterTruncate(heard(started, notice('table-done', 'mine', ['a.x'])), 'a.x').clear).toEqual([])
  })
})
