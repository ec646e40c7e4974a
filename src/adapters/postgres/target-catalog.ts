import type { CatalogType } from '../../contract/pg-type.ts'
import type { Session } from './connection.ts'
import type { TableRef } from './names.ts'

/** A column of a table in the sink. */
export interface PresentColumn {
  readonly name: string
  /** Of the base type where the column's type is a domain. */
  readonly type: CatalogType
  readonly domain: boolean
  readonly notNull: boolean
  /** A default, identity or generation expression gives it a value. */
  readonly filled: boolean
  readonly generated: boolean
}

/** A unique or exclusion index of a table in the sink. */
export interface PresentIndex {
  readonly name: string
  /** Null stands for an expression. */
  readonly columns: readonly (string | null)[]
  /** Checked row by row while a statement runs, not at its end or the transaction's. */
  readonly immediate: boolean
  /** Valid, over all rows, of plain columns: what ON CONFLICT and foreign keys can lean on. */
  readonly whole: boolean
  readonly unique: boolean
}

/** A foreign key between two tables asked for. */
export interface PresentReference {
  readonly name: string
  readonly child: TableRef
  readonly parent: TableRef
  readonly deferrable: boolean
}

/** A table that stands where a target should be. */
export interface PresentTable extends TableRef {
  /** `pg_class.relkind`. */
  readonly kind: string
  readonly columns: readonly PresentColumn[]
  readonly indexes: readonly PresentIndex[]
  /** Any foreign key of it or to it, also from and to tables that no sync writes. */
  readonly referenced: boolean
  readonly rowsEstimated: number | null
  /** What the role lacks of SELECT, INSERT, UPDATE, DELETE and USAGE on the schema. */
  readonly lacking: readonly string[]
}

export interface TargetCatalog {
  readonly tables: readonly PresentTable[]
  readonly references: readonly PresentReference[]
}

/** Reads what stands in the sink where `targets` should be; what is not there is left out. */
export async function readTargets(session: Session, targets: readonly TableRef[]): Promise<TargetCatalog> {
  const names = [targets.map(({ schema }) => schema), targets.map(({ table }) => table)]
  const { rows } = await session.query<PresentTable & { oid: number }>(tablesQuery, names)
  const oids = rows.map(({ oid }) => oid)
  const references = await session.query<PresentReference>(referencesQuery, [oids])
  return { tables: rows, references: references.rows }
}

const asked = `asked AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relnamespace
  FROM unnest($1::text[], $2::text[]) AS a(schema, name)
  JOIN pg_namespace n ON n.nspname = a.schema
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.name
)`

const tablesQuery = `WITH ${asked}
SELECT asked.oid::int8::text::int8 AS oid, nspname AS schema, relname AS "table", relkind::text AS kind,
  CASE WHEN reltuples < 0 THEN NULL ELSE reltuples::float8 END AS "rowsEstimated",
  EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND asked.oid IN (f.conrelid, f.confrelid)) AS referenced,
  ARRAY(
    SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
    WHERE relkind IN ('r', 'p') AND NOT has_table_privilege(asked.oid, p)
    UNION ALL SELECT 'USAGE' WHERE NOT has_schema_privilege(asked.relnamespace, 'USAGE')
  ) AS lacking,
  coalesce((
    SELECT json_agg(json_build_object(
      'name', a.attname,
      'notNull', a.attnotnull OR t.typnotnull,
      'filled', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
      'generated', a.attgenerated <> '',
      'domain', t.typtype = 'd',
      'type', json_build_object(
        'schema', en.nspname, 'name', e.typname, 'kind', e.typtype, 'array', b.typcategory = 'A',
        'dimensions', CASE WHEN b.typcategory = 'A' THEN 1 ELSE 0 END,
        'modifier', CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
        'spelling', format_type(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END),
        'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = e.oid)
      )) ORDER BY a.attnum)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_type e ON e.oid = CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE b.oid END
    JOIN pg_namespace en ON en.oid = e.typnamespace
    WHERE a.attrelid = asked.oid AND a.attnum > 0 AND NOT a.attisdropped
  ), '[]') AS columns,
  coalesce((
    SELECT json_agg(json_build_object(
      'name', ic.relname,
      'columns', (
        SELECT json_agg(a.attname ORDER BY k.at)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, at)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE k.at <= i.indnkeyatts
      ),
      'immediate', i.indimmediate,
      'unique', i.indisunique,
      'whole', i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    ) ORDER BY ic.relname)
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
    WHERE i.indrelid = asked.oid AND (i.indisunique OR i.indisexclusion)
  ), '[]') AS indexes
FROM asked`

const referencesQuery = `SELECT f.conname AS name, f.condeferrable AS deferrable,
  json_build_object('schema', cn.nspname, 'table', c.relname) AS child,
  json_build_object('schema', pn.nspname, 'table', p.relname) AS parent
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE f.contype = 'f' AND f.conrelid = ANY($1::int8[]::oid[]) AND f.confrelid = ANY($1::int8[]::oid[]) AND f.conparentid = 0
ORDER BY f.conname`
