import { expect, it } from 'vitest'
import { signalRecord } from '../../../src/adapters/kafka/signals.ts'

it('asks for exactly the tables named: Debezium reads the names as patterns', () => {
  const { key, value } = signalRecord('shop', 'load-1', ['public.orders', 'public.a$b'])
  expect(key).toBe('shop')
  expect(JSON.parse(value)).toEqual({
    id: 'load-1',
    type: 'execute-snapshot',
    data: { 'data-collections': ['public\\.orders', 'public\\.a\\$b'], type: 'incremental' },
  })
})
