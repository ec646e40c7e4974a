/**
 * A name as Debezium's `avro` name adjustment writes it into schemas: every character Avro does not take becomes `_`, and a
 * leading digit keeps its place behind one. Two names can become one; `millrace types` refuses that within a table.
 */
export function avroName(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9_]/g, '_')
  return /^[0-9]/.test(cleaned) ? `_${cleaned}` : cleaned
}
