import { describe, expect, it } from 'vitest'
import { committed, type FetchedMessage } from '../../../src/adapters/kafka/committed.ts'

const record = (offset: number, producerId: string): FetchedMessage => ({
  offset: String(offset),
  key: Buffer.from('key'),
  value: Buffer.from('value'),
  isControlRecord: false,
  batchContext: { producerId, inTransaction: true },
})
const plain = (offset: number): FetchedMessage => ({
  ...record(offset, '-1'),
  batchContext: { producerId: '-1', inTransaction: false },
})
const marker = (offset: number, producerId: string, type: 'abort' | 'commit'): FetchedMessage => ({
  ...record(offset, producerId),
  key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]),
  isControlRecord: true,
})
const offsets = (messages: FetchedMessage[], aborted: { producerId: string; firstOffset: string }[]): number[] =>
  [...committed(messages, aborted)].map(({ offset }) => Number(offset))

describe('committed records', () => {
  it('are all but control records when nothing was aborted', () => {
    expect(offsets([record(0, 'a'), record(1, 'a'), marker(2, 'a', 'commit'), plain(3)], [])).toEqual([0, 1, 3])
  })

  it('leave out what an abort marker ends, and nothing after it', () => {
    const messages = [record(0, 'a'), marker(1, 'a', 'abort'), record(2, 'a'), marker(3, 'a', 'commit')]
    expect(offsets(messages, [{ producerId: 'a', firstOffset: '0' }])).toEqual([2])
  })

  it('tell producers apart whose transactions lie in each other', () => {
    const messages = [
      record(0, 'a'),
      record(1, 'b'),
      record(2, 'a'),
      marker(3, 'b', 'commit'),
      marker(4, 'a', 'abort'),
      record(5, 'a'),
      marker(6, 'a', 'commit'),
    ]
    expect(offsets(messages, [{ producerId: 'a', firstOffset: '0' }])).toEqual([1, 5])
  })

  it('leave out an aborted transaction that began before the fetch', () => {
    const messages = [record(10, 'a'), marker(11, 'a', 'abort'), record(12, 'a')]
    expect(offsets(messages, [{ producerId: 'a', firstOffset: '3' }])).toEqual([12])
  })

  it('hold for several aborted transactions of one producer, listed in any order', () => {
    const messages = [
      record(0, 'a'),
      marker(1, 'a', 'abort'),
      record(2, 'a'),
      marker(3, 'a', 'commit'),
      record(4, 'a'),
      marker(5, 'a', 'abort'),
    ]
    const aborted = [
      { producerId: 'a', firstOffset: '4' },
      { producerId: 'a', firstOffset: '0' },
    ]
    expect(offsets(messages, aborted)).toEqual([2])
  })

  it('include what was written without a transaction by a producer that aborted one', () => {
    const loose = { ...record(1, 'a'), batchContext: { producerId: 'a', inTransaction: false } }
    expect(offsets([record(0, 'a'), loose, marker(2, 'a', 'abort')], [{ producerId: 'a', firstOffset: '0' }])).toEqual([
      1,
    ])
  })
})
