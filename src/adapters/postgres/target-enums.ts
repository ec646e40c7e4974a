import type { TargetColumn, TargetTable } from '../../contract/target-table.ts'
import type { Statement } from '../../project/ports.ts'
import type { Session } from './connection.ts'
import { boundedName, quoteName, quoteText } from './names.ts'

interface EnumPlace {
  readonly schema: string
  readonly name: string
  readonly values: readonly string[]
}

/** The enum types of a sync's targets: one per type of the source, in the schema of the target that has it. */
export interface TargetEnums {
  /** Quoted name for a column of a table to be made; undefined when its type is no enum. */
  sqlName(target: TargetTable, column: TargetColumn): string | undefined
  /** True when the type that stands at this column is the one millrace made: it may be given more labels. */
  owns(target: TargetTable, column: TargetColumn, found: { readonly schema: string; readonly name: string }): boolean
  /** Makes what is missing for `made` tables, and gives existing types the labels they lack. */
  statements(made: readonly TargetTable[]): readonly Statement[]
}

export async function targetEnums(session: Session, targets: readonly TargetTable[]): Promise<TargetEnums> {
  const places = placesOf(targets)
  const found = await presentEnums(session, [...places.values()])
  const place = (target: TargetTable, column: TargetColumn) => places.get(placeKey(target, column))

  return {
    sqlName(target, column) {
      const at = place(target, column)
      return at && quoted(at)
    },
    owns(target, column, { schema, name }) {
      const at = place(target, column)
      return at?.schema === schema && at.name === name
    },
    statements(made) {
      const needed = new Set(made.flatMap((target) => target.columns.map((column) => place(target, column))))
      return [...new Set(places.values())].flatMap((at) => {
        const labels = found.get(quoted(at))
        if (labels) return missingLabels(at, labels)
        return needed.has(at) ? [creation(at)] : []
      })
    },
  }
}

/** Two source types of one name that differ get different names: the later one carries its schema. */
function placesOf(targets: readonly TargetTable[]): Map<string, EnumPlace> {
  const places = new Map<string, EnumPlace>()
  const taken = new Map<string, EnumPlace>()
  for (const target of targets) {
    for (const column of target.columns) {
      const type = column.type.enum
      if (type === undefined) continue
      let at: EnumPlace = { schema: target.schema, name: type.name, values: type.values }
      const other = taken.get(quoted(at))
      if (other && other.values.join('\n') !== at.values.join('\n')) {
        at = { ...at, name: boundedName(`${type.schema}_${type.name}`) }
      }
      at = taken.get(quoted(at)) ?? at
      taken.set(quoted(at), at)
      places.set(placeKey(target, column), at)
    }
  }
  return places
}

async function presentEnums(session: Session, places: readonly EnumPlace[]): Promise<Map<string, readonly string[]>> {
  const { rows } = await session.query<{ schema: string; name: string; labels: string[] }>(
    `SELECT n.nspname AS schema, t.typname AS name,
  ARRAY(SELECT l.enumlabel::text FROM pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels
FROM unnest($1::text[], $2::text[]) AS a(schema, name)
JOIN pg_namespace n ON n.nspname = a.schema
JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = a.name AND t.typtype = 'e'`,
    [places.map(({ schema }) => schema), places.map(({ name }) => name)],
  )
  return new Map(rows.map((row) => [quoted(row), row.labels]))
}

function creation(at: EnumPlace): Statement {
  return {
    title: `create type ${at.schema}.${at.name}`,
    sql: `CREATE TYPE ${quoted(at)} AS ENUM (${at.values.map(quoteText).join(', ')})`,
  }
}

function missingLabels(at: EnumPlace, labels: readonly string[]): Statement[] {
  return at.values.flatMap((label, index) => {
    if (labels.includes(label)) return []
    const before = at.values[index - 1]
    const where = before === undefined ? ` BEFORE ${quoteText(labels[0] ?? label)}` : ` AFTER ${quoteText(before)}`
    return [
      {
        title: `add value ${label} to type ${at.schema}.${at.name}`,
        sql: `ALTER TYPE ${quoted(at)} ADD VALUE IF NOT EXISTS ${quoteText(label)}${where}`,
      },
    ]
  })
}

function placeKey(target: TargetTable, column: TargetColumn): string {
  return JSON.stringify([target.schema, target.table, column.name])
}

function quoted({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${quoteName(schema)}.${quoteName(name)}`
}
