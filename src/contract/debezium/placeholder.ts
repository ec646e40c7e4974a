import { createHash } from 'node:crypto'
import type { ColumnType, ScalarType } from '../table.ts'

/**
 * How Debezium writes "this update left the value out" into each type, given the placeholder text: as text, as the bytes of the
 * text, or inside an array of the type. Other array types have no such form: Debezium fails on them.
 */
export interface Placeholder {
  readonly text: Uint8Array
  /** The only element of an unchanged `uuid[]`: the name-based UUID of the text. */
  readonly uuid: Uint8Array
}

export function placeholder(text: string): Placeholder {
  return { text: Buffer.from(text, 'utf8'), uuid: Buffer.from(nameUuid(text), 'latin1') }
}

const textArrays: ReadonlySet<ScalarType> = new Set(['text', 'varchar', 'bpchar', 'json', 'jsonb', 'bytea'])
const numberArrays: ReadonlySet<ScalarType> = new Set(['int4', 'int8', 'date'])

/** How the placeholder of a type looks: see `Placeholder`. */
export function placeholderForm(type: ColumnType): 'text' | 'text-array' | 'number-array' | 'uuid-array' | undefined {
  if (!type.array) return 'text'
  if (textArrays.has(type.name)) return 'text-array'
  if (numberArrays.has(type.name)) return 'number-array'
  return type.name === 'uuid' ? 'uuid-array' : undefined
}

/** False for the array types whose unchanged values Debezium cannot write: their tables need REPLICA IDENTITY FULL. */
export function canStandForUnchanged(type: ColumnType): boolean {
  return placeholderForm(type) !== undefined
}

/** The UUID (version 3) that Java's `UUID.nameUUIDFromBytes` makes of a text. */
function nameUuid(text: string): string {
  const bytes = createHash('md5').update(text, 'utf8').digest()
  bytes[6] = (bytes[6]! & 0x0f) | 0x30
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
