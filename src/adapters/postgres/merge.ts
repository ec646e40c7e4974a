import { type ColumnValue, unchanged } from '../../contract/values.ts'
import type { SinkChange } from '../../engine/ports.ts'
import { fault } from '../../errors.ts'
import type { RowKey } from './row-key.ts'

type Values = readonly ColumnValue[]

const none: readonly SinkChange[] = []

/** A row, or its key alone, and the partial changes that had no effect when no such row was there. */
export interface RowImage {
  readonly values: Values
  readonly partials: readonly SinkChange[]
}

/** What is left to do to one table once only the last image of each row counts. No row is in two of the lists. */
export interface TableWork {
  /** Of the values only the key counts. */
  readonly deletes: readonly RowImage[]
  readonly wholes: readonly RowImage[]
  readonly partials: readonly RowImage[]
}

/** One step of a group: what can be done set by set with the same result as one by one. */
export type Step =
  | { readonly kind: 'truncate'; readonly tables: readonly number[] }
  | {
      readonly kind: 'rows'
      readonly tables: ReadonlyMap<number, TableWork>
      /** Partial changes of rows deleted before in the same step. */
      readonly missing: readonly SinkChange[]
    }

/** What became of one row in a step. */
interface Fate {
  readonly key: Values
  /** Null: deleted. Partial as long as the row is not settled. */
  image: Values | null
  /** A delete or a whole image came: what the row was before the step no longer matters to it. */
  settled: boolean
  /** Partial changes of a row that is not settled. */
  readonly partials: SinkChange[]
}

/**
 * Splits a group into steps: last image per key, partial ones merged over the image before them. A new step begins where that would
 * lose something: after a truncate, and where a column the log does not carry depends on what an earlier change did to the row.
 */
export function* steps(changes: readonly SinkChange[], keys: readonly RowKey[]): Generator<Step> {
  let fates = new Map<number, Map<string, Fate>>()
  let missing: SinkChange[] = []
  let truncated: number[] = []

  function* cut(): Generator<Step> {
    if (truncated.length > 0) yield { kind: 'truncate', tables: truncated }
    if (fates.size > 0) {
      yield {
        kind: 'rows',
        tables: new Map([...fates].map(([table, rows]) => [table, workOf(rows.values())])),
        missing,
      }
    }
    fates = new Map()
    missing = []
    truncated = []
  }

  for (const change of changes) {
    if (change.op === 'move') throw fault('SINK_MISUSED', { reason: 'a move among changes to be applied together' })
    if (change.op === 'truncate') {
      if (fates.size > 0) yield* cut()
      if (!truncated.includes(change.table)) truncated.push(change.table)
      continue
    }
    const key = keys[change.table]!(change.values)
    const partial = change.op === 'upsert' && change.values.includes(unchanged)
    let fate = fates.get(change.table)?.get(key)
    if (fate && change.op === 'upsert' && !partial && dependsOnPast(fate) && change.values.includes(undefined)) {
      yield* cut()
      fate = undefined
    }
    if (fate === undefined) {
      fate = { key: change.values, image: null, settled: false, partials: [] }
      const rows = fates.get(change.table)
      if (rows) rows.set(key, fate)
      else fates.set(change.table, new Map([[key, fate]]))
    }
    if (change.op === 'delete') {
      fate.image = null
      fate.settled = true
    } else if (!partial) {
      fate.image = fate.settled && fate.image ? over(fate.image, change.values) : change.values
      fate.settled = true
    } else if (fate.settled && fate.image === null) {
      missing.push(change)
    } else {
      fate.image = fate.image ? over(fate.image, change.values) : change.values
      if (!fate.settled) fate.partials.push(change)
    }
  }
  yield* cut()
}

/** After these a column that is not carried may hold something else than after a whole image. */
function dependsOnPast(fate: Fate): boolean {
  return fate.image === null || !fate.settled
}

function over(before: Values, after: Values): Values {
  return after.map((value, at) => (value === unchanged || value === undefined ? before[at] : value))
}

function workOf(fates: Iterable<Fate>): TableWork {
  const work = { deletes: [] as RowImage[], wholes: [] as RowImage[], partials: [] as RowImage[] }
  for (const { key, image, settled, partials } of fates) {
    if (!settled) work.partials.push({ values: image!, partials })
    else if (image) work.wholes.push({ values: image, partials: none })
    else work.deletes.push({ values: key, partials: none })
  }
  return work
}

/** Of the partial changes that met no row those that no later change of the group made void. */
export function unresolved(
  missing: readonly SinkChange[],
  changes: readonly SinkChange[],
  keys: readonly RowKey[],
): readonly SinkChange[] {
  if (missing.length === 0) return missing
  const open = new Set(missing)
  const settled = new Set<string>()
  const emptied = new Set<number>()
  for (const change of changes.toReversed()) {
    if (change.op === 'truncate') {
      emptied.add(change.table)
      continue
    }
    const row = `${change.table}:${keys[change.table]!(change.values)}`
    if (open.has(change)) {
      if (settled.has(row) || emptied.has(change.table)) open.delete(change)
    } else if (change.op === 'delete' || !change.values.includes(unchanged)) settled.add(row)
  }
  return [...open]
}
