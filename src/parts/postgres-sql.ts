/**
 * Replaces `:'NAME'` by the quoted value of NAME, as psql does: not inside strings, quoted identifiers, dollar quotes or comments.
 */
export function fillSql(sql: string, value: (name: string) => string): string {
  const token =
    /(?<!:):'(\w+)'|[eE]'(?:\\[\s\S]|[^'\\])*'|'[^']*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\2\$/g
  return sql.replace(token, (whole, name: string | undefined) =>
    name === undefined ? whole : quoteLiteral(value(name)),
  )
}

/** Text as an SQL literal that means the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replace(/'/g, "''").replace(/\\/g, '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}

/** A name as an SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replace(/"/g, '""')}"`
}
