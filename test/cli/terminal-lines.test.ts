import { expect, it } from 'vitest'
import { terminalLine } from '../../src/cli/terminal-lines.ts'

const line = (facts: object) => terminalLine(JSON.stringify({ time: '2026-01-02T20:31:05.123Z', pid: 7, ...facts }))

it('is words and a time when all is as usual', () => {
  expect(line({ level: 'info', sync: 'billing-copy', state: 'live', msg: 'billing-copy is live' })).toBe(
    '20:31:05 billing-copy is live',
  )
})

it('says of an error what to do, where it was, and when it is tried again', () => {
  const text = line({
    level: 'error',
    msg: 'The sink refuses a row.',
    code: 'SYNC_CONSTRAINT',
    transaction: '4108',
    remedy: 'Remove the cause.',
    retryInMs: 2500,
  })
  expect(text).toBe(
    '20:31:05 error The sink refuses a row. transaction 4108 [SYNC_CONSTRAINT]\n' +
      '         Remove the cause. Next try in 2.5 s.',
  )
})
