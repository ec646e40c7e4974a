import { createHash } from 'node:crypto'

/** Postgres cuts longer identifiers off, silently. */
const identifierBytesMax = 63

/** A table by its two names, unquoted. */
export interface TableRef {
  readonly schema: string
  readonly table: string
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteTable({ schema, table }: TableRef): string {
  return `${quoteName(schema)}.${quoteName(table)}`
}

export function quoteNames(names: readonly string[]): string {
  return names.map(quoteName).join(', ')
}

/** A text constant, for statements that cannot take parameters. */
export function quoteText(text: string): string {
  const doubled = text.replaceAll("'", "''")
  return doubled.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

/** `public.orders` from what a declaration spells without quotes. Everything before the first dot is the schema. */
export function parseTable(name: string): TableRef {
  const dot = name.indexOf('.')
  return dot < 0 ? { schema: 'public', table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) }
}

/** `name` where it fits an identifier, else its beginning and a digest of all of it: different names stay different. */
export function boundedName(name: string): string {
  if (Buffer.byteLength(name) <= identifierBytesMax) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12)
  const room = identifierBytesMax - digest.length - 1
  const cut = Buffer.from(name)
    .subarray(0, room)
    .toString('utf8')
    .replace(/\uFFFD+$/u, '')
  return `${cut}_${digest}`
}
