import { type CatalogType, columnType } from './pg-type.ts'

/**
 * Which columns of a table Postgres can move out of line (TOAST), and whose value an update that does not touch them therefore
 * leaves out of the WAL.
 *
 * Postgres moves values out only when a row exceeds a target (about 2 kB), always the biggest of those left, never one of 24
 * bytes or less; values of storage `main` only when the row would otherwise exceed a page. So a bounded column, `varchar(20)` or
 * `numeric(12,2)`, stays in line unless the columns that are not bigger than it could exceed the target together.
 */
export interface StoredColumn {
  /** Null for a dropped column: its old values can still be in rows that are read. */
  readonly type: CatalogType | null
  /** `pg_attribute.attlen`: bytes, or negative for a variable length. */
  readonly bytes: number
  /** `pg_attribute.attstorage`: `p` plain, `m` main, `e` external, `x` extended. */
  readonly storage: string
}

/** Smallest `toast_tuple_target` that Postgres would have used: the default, or the table's own. */
export const defaultToastTarget = 2032
const mainTarget = 8160
/** Values of this size or less are never moved: their pointer would not be smaller. */
const pointerBytes = 24
const rowHeaderBytes = 24
const alignmentBytes = 7

/** For each column whether its value can be out of line. */
export function toastable(columns: readonly StoredColumn[], target = defaultToastTarget): boolean[] {
  const largest = columns.map((column) => (column.bytes > 0 ? column.bytes : maxBytes(column.type)))
  const movable = columns.map(({ bytes, storage }) => bytes < 0 && storage !== 'p')
  const header = rowHeaderBytes + Math.ceil(columns.length / 8)

  return columns.map(({ storage }, index) => {
    const own = largest[index]!
    if (!movable[index] || own <= pointerBytes) return false
    const main = storage === 'm'
    // When this column is the biggest left, the others are at most as big, or already moved, or not up for moving yet.
    const widest = columns.reduce((sum, other, at) => {
      const inTurn = movable[at]! && (main || other.storage !== 'm')
      const moved = main && movable[at]! && other.storage !== 'm'
      const bytes = Math.min(largest[at]!, moved ? pointerBytes : inTurn ? own : Number.POSITIVE_INFINITY)
      return sum + bytes + alignmentBytes
    }, header)
    return widest > (main ? mainTarget : target)
  })
}

/** Bytes a value takes at most; every encoding of a Postgres server has at most 4 bytes a character. */
function maxBytes(type: CatalogType | null): number {
  const mapped = type === null ? { refused: '' } : columnType(type)
  if ('refused' in mapped || mapped.array) return Number.POSITIVE_INFINITY
  if (mapped.length !== undefined) return 4 + 4 * mapped.length
  if (mapped.name === 'numeric' && mapped.precision !== undefined) {
    const scale = mapped.scale ?? 0
    const groups = Math.ceil(Math.max(mapped.precision - scale, 1) / 4) + Math.ceil(Math.max(scale, 0) / 4) + 1
    return 8 + 2 * groups
  }
  return Number.POSITIVE_INFINITY
}
