import { type Decimal, type Image, type KeyOf, type RowOf, type UnchangeableOf, unchanged } from 'millrace'
import { orderLines, type PublicCustomers, publicCustomers } from '../../contract/goldens/shop.ts'

type Line = Image<typeof orderLines>
declare const line: Line
declare const row: RowOf<typeof orderLines>

export const key: KeyOf<typeof orderLines> = 'line'
export const toast: UnchangeableOf<typeof orderLines> = 'notes'

// What may be unchanged must be asked before it is read.
export const notes: string | null = line.notes === unchanged ? 'as before' : line.notes
export const wholeRow: string | null = row.notes
export const net: Decimal = line.net
export const id: bigint = line.order_id
export const tags: readonly (string | null)[] | null = (null as unknown as PublicCustomers).tags

// @ts-expect-error Type 'string | unique symbol | null' is not assignable to type 'string | null'
export const unasked: string | null = line.notes

// @ts-expect-error have no overlap
export const neverUnchanged = line.net === unchanged

// @ts-expect-error have no overlap
export const keyNeverUnchanged = line.line === unchanged

// @ts-expect-error Type 'bigint' is not assignable to type 'number'
export const narrowed: number = line.order_id

// @ts-expect-error Type '"notes"' is not assignable to type
export const noKey: KeyOf<typeof orderLines> = 'notes'

// @ts-expect-error 'null' is not assignable
export const notNull: number = row.weight

// @ts-expect-error Cannot assign to 'id' because it is a read-only property
;(null as unknown as PublicCustomers).id = 1n

export const handles = [orderLines, publicCustomers]
