import type { ClientBase } from 'pg'
import { avroName } from '../../contract/debezium/names.ts'
import { canStandForUnchanged } from '../../contract/debezium/placeholder.ts'
import { type CatalogType, columnType } from '../../contract/pg-type.ts'
import type { ColumnContract, ColumnType, ForeignKey, TableContract } from '../../contract/table.ts'
import { defaultToastTarget, toastable } from '../../contract/toast.ts'
import { fault, type MillraceError } from '../../errors.ts'

/** What the catalog said of the tables asked for. */
export interface CatalogReading {
  /** Contracts of the tables without a problem, in the order asked for. */
  readonly contracts: readonly TableContract[]
  /** Everything that keeps a table from being captured, of all tables at once. */
  readonly problems: readonly MillraceError[]
  /** What is left out, in words: generated columns. */
  readonly notes: readonly string[]
}

/**
 * Reads the contracts of `tables` (`schema.table`, unquoted) from a live database.
 *
 * Only a failed query throws; what is wrong with a table is a problem in the result.
 */
export async function readCatalog(
  client: Pick<ClientBase, 'query'>,
  source: string,
  tables: readonly string[],
): Promise<CatalogReading> {
  const { rows } = await client.query<CatalogRow>(catalogQuery, [tables])
  const found = new Map(rows.map((row) => [row.asked, row]))
  const readings = tables.map((asked) => {
    const row = found.get(asked)
    if (row === undefined) return { problems: [fault('CONTRACT_TABLE_MISSING', { table: asked, source })], notes: [] }
    return readTable(source, row)
  })
  return {
    contracts: readings.flatMap((reading) => ('contract' in reading ? [reading.contract] : [])),
    problems: readings.flatMap((reading) => reading.problems),
    notes: readings.flatMap((reading) => reading.notes),
  }
}

interface TableReading {
  readonly contract?: TableContract
  readonly problems: MillraceError[]
  readonly notes: string[]
}

function readTable(source: string, row: CatalogRow): TableReading {
  const table = row.asked
  const problems: MillraceError[] = []
  const notes: string[] = []
  const full = row.identity === 'f'

  if (row.kind !== 'r' && row.kind !== 'p') return { problems: [fault('CONTRACT_NOT_A_TABLE', { table })], notes }
  if (row.key === null) problems.push(fault('CONTRACT_KEY_MISSING', { table }))
  else if (!full && (row.identity !== 'd' || row.keyDeferrable)) {
    problems.push(fault('CONTRACT_REPLICA_IDENTITY', { table, reason: identityReason(row) }))
  }

  const target = Math.min(row.toastTarget ?? defaultToastTarget, defaultToastTarget)
  const movable = toastable(
    row.columns.map((column) => ({
      type: column.dropped ? null : column.type,
      bytes: column.bytes,
      storage: column.storage,
    })),
    target,
  )

  const columns: ColumnContract[] = []
  const names = new Map<string, string>()
  row.columns.forEach((column, index) => {
    if (column.dropped) return
    if (column.generated) {
      notes.push(`${table}.${column.name} is generated: Postgres does not publish it, so it is left out.`)
      return
    }
    const type = columnType(column.type)
    if ('refused' in type) {
      problems.push(fault('CONTRACT_TYPE_UNSUPPORTED', { table, column: column.name, type: type.refused }))
      return
    }
    const twin = names.get(avroName(column.name))
    if (twin !== undefined) {
      problems.push(fault('CONTRACT_NAME_COLLISION', { table, column: column.name, other: twin }))
      return
    }
    names.set(avroName(column.name), column.name)
    if (column.nullable && column.defaulted && nullBecomesDefault(type)) {
      problems.push(fault('CONTRACT_NULL_BECOMES_DEFAULT', { table, column: column.name }))
      return
    }
    const unchangeable = movable[index]! && !full && !row.key?.includes(column.name)
    if (unchangeable && !canStandForUnchanged(type)) {
      problems.push(fault('CONTRACT_UNCHANGED_UNREADABLE', { table, column: column.name, type: column.type.spelling }))
      return
    }
    columns.push({ name: column.name, type, nullable: column.nullable, unchangeable })
  })

  if (problems.length > 0 || row.key === null) return { problems, notes }
  const contract: TableContract = {
    source,
    schema: row.schema,
    table: row.table,
    key: row.key,
    columns,
    replicaIdentity: full ? 'full' : 'default',
    foreignKeys: row.foreignKeys,
    uniques: row.uniques,
  }
  return { contract, problems, notes }
}

/** Debezium gives Connect no default for the other types, so that their nulls arrive. */
function nullBecomesDefault(type: ColumnType): boolean {
  return !type.array && type.name !== 'bytea'
}

function identityReason(row: CatalogRow): string {
  if (row.identity === 'n') return 'it is NOTHING'
  if (row.identity === 'i') return 'it is an index'
  if (row.identity === 'd') return 'the primary key is deferrable, which makes it no identity'
  return 'it differs between partitions'
}

interface CatalogRow {
  readonly asked: string
  readonly schema: string
  readonly table: string
  readonly kind: string
  /** `pg_class.relreplident`, or `x` where the partitions of a table disagree. */
  readonly identity: string
  readonly toastTarget: number | null
  readonly key: string[] | null
  readonly keyDeferrable: boolean
  readonly columns: readonly {
    readonly name: string
    readonly dropped: boolean
    readonly nullable: boolean
    readonly generated: boolean
    /** Has a default other than null. */
    readonly defaulted: boolean
    readonly bytes: number
    readonly storage: string
    readonly type: CatalogType
  }[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly uniques: readonly (readonly string[])[]
}

/**
 * Rows of partitioned tables are written, and their identity decided, in the leaves: `publish_via_partition_root` only renames them.
 * A dropped column's slot stays in the catalog without its type; rows older than the drop still hold its value.
 */
const catalogQuery = `
WITH asked AS (
  SELECT n.nspname || '.' || c.relname AS asked, n.nspname AS schema, c.relname AS "table", c.*
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname || '.' || c.relname = ANY ($1::text[])
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT
  t.asked, t.schema, t."table", t.relkind AS kind,
  CASE WHEN t.relkind = 'p' THEN (
    SELECT CASE WHEN count(DISTINCT leaf.relreplident) > 1 THEN 'x' ELSE coalesce(min(leaf.relreplident::text), t.relreplident::text) END
    FROM pg_catalog.pg_partition_tree(t.oid) tree JOIN pg_catalog.pg_class leaf ON leaf.oid = tree.relid
    WHERE tree.isleaf
  ) ELSE t.relreplident::text END AS identity,
  (SELECT min(o.option_value::int) FROM pg_catalog.pg_options_to_table(t.reloptions) o
    WHERE o.option_name = 'toast_tuple_target') AS "toastTarget",
  (SELECT json_agg(a.attname ORDER BY k.place)
    FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
    WHERE i.indrelid = t.oid AND i.indisprimary AND k.place <= i.indnkeyatts) AS key,
  coalesce((SELECT NOT i.indimmediate FROM pg_catalog.pg_index i WHERE i.indrelid = t.oid AND i.indisprimary), false)
    AS "keyDeferrable",
  (SELECT json_agg(json_build_object(
      'name', a.attname,
      'dropped', a.attisdropped,
      'nullable', NOT a.attnotnull,
      'generated', a.attgenerated <> '',
      'defaulted', coalesce((SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) !~ '^NULL(::|$)'
        FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), false),
      'bytes', a.attlen,
      'storage', a.attstorage,
      'type', CASE WHEN e.oid IS NULL THEN NULL ELSE json_build_object(
        'schema', n.nspname,
        'name', e.typname,
        'kind', e.typtype,
        'array', y.typcategory = 'A' AND y.typelem <> 0,
        'dimensions', a.attndims,
        'modifier', a.atttypmod,
        'spelling', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.oid)
      ) END
    ) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN y.typcategory = 'A' AND y.typelem <> 0 THEN y.typelem ELSE y.oid END
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.typnamespace
    WHERE a.attrelid = t.oid AND a.attnum > 0) AS columns,
  coalesce((SELECT json_agg(json_build_object(
      'name', f.conname,
      'columns', ${columnNames('f.conkey', 'f.conrelid')},
      'references', json_build_object('schema', rn.nspname, 'table', r.relname,
        'columns', ${columnNames('f.confkey', 'f.confrelid')})
    ) ORDER BY f.conname)
    FROM pg_catalog.pg_constraint f
    JOIN pg_catalog.pg_class r ON r.oid = f.confrelid JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
    WHERE f.conrelid = t.oid AND f.contype = 'f' AND f.conparentid = 0), '[]') AS "foreignKeys",
  coalesce((SELECT json_agg(${columnNames('u.conkey', 'u.conrelid')} ORDER BY u.conname)
    FROM pg_catalog.pg_constraint u WHERE u.conrelid = t.oid AND u.contype = 'u'), '[]') AS uniques
FROM asked t`

function columnNames(numbers: string, relation: string): string {
  return `(SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(${numbers}) WITH ORDINALITY k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.attnum)`
}
