import { postgresSink, secret, sync } from 'millrace'
import type { AnySync } from '../../../src/declare/sync.ts'
import { orderLines, publicCustomers } from '../../contract/goldens/shop.ts'

const to = postgresSink({ database: 'billing', password: secret('BILLING') })

export const works = sync({
  from: { orderLines, publicCustomers },
  to,
  tables: {
    publicCustomers: { columns: ['id', 'email', 'tags'] },
    orderLines: {
      where: (line) => line.status !== 'draft' && line.due !== null,
      row: (line) => ({ ...line, gross: line.net.times(2) }),
    },
  },
})

/** What a project's loader holds syncs as. */
export const any: AnySync = works

export const unknownColumn = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Type '"nots"' is not assignable to type
  tables: { orderLines: { columns: ['order_id', 'line', 'nots'] } },
})

export const unknownTable = sync({
  from: { orderLines },
  to,
  // @ts-expect-error 'customers' does not exist in type
  tables: { customers: { columns: ['id'] } },
})

export const whereOnUnchangeable = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Property 'notes' does not exist on type
  tables: { orderLines: { where: (line) => line.notes !== null } },
})

export const rowOnUnchangeable = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Property 'picture' does not exist on type
  tables: { orderLines: { row: (line) => ({ order_id: line.order_id, line: line.line, size: line.picture?.length }) } },
})

export const rowWithoutKey = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Property 'line' is missing in type
  tables: { orderLines: { row: (line) => ({ order_id: line.order_id }) } },
})

export const keyOfAnotherType = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Type 'string' is not assignable to type 'bigint'
  tables: { orderLines: { row: (line) => ({ ...line, order_id: String(line.order_id) }) } },
})

export const numbersAndBigints = sync({
  from: { orderLines },
  to,
  // @ts-expect-error have no overlap
  tables: { orderLines: { where: (line) => line.status === 'shipped' } },
})

export const decimalAsNumber = sync({
  from: { orderLines },
  to,
  // @ts-expect-error Argument of type 'Decimal' is not assignable to parameter of type 'number'
  tables: { orderLines: { where: (line) => Number.isInteger(Math.floor(line.net)) } },
})
