import { expect, it } from 'vitest'
import { mailbox } from '../../../src/adapters/kafka/mailbox.ts'

it('hands over the newest item only', async () => {
  const box = mailbox<number>()
  box.put(1)
  box.put(2)
  const reader = box[Symbol.asyncIterator]()
  expect(await reader.next()).toEqual({ value: 2, done: false })
  const waiting = reader.next()
  box.put(3)
  expect(await waiting).toEqual({ value: 3, done: false })
})

it('ends a reader that waits', async () => {
  const box = mailbox<number>()
  const waiting = box[Symbol.asyncIterator]().next()
  box.end()
  expect(await waiting).toEqual({ value: undefined, done: true })
})

it('throws before it hands over what came too late, and keeps the first reason', async () => {
  const box = mailbox<number>()
  box.put(1)
  box.fail(new Error('first'))
  box.fail(new Error('second'))
  await expect(box[Symbol.asyncIterator]().next()).rejects.toThrow('first')
})
