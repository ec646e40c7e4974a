import { describe, expect, it } from 'vitest'
import { fillSql, quoteIdentifier, quoteLiteral } from '../../src/parts/postgres-sql.ts'

const value = (name: string) => `<${name}>`

describe('secrets in SQL', () => {
  it.each([
    [`PASSWORD :'SHOP';`, `PASSWORD '<SHOP>';`],
    [`VALUES (:'A',:'B')`, `VALUES ('<A>','<B>')`],
    [`SELECT ':''A'''`, `SELECT ':''A'''`],
    [`SELECT 'x'::'text'`, `SELECT 'x'::'text'`],
    [`-- :'A'\nSELECT :'A'`, `-- :'A'\nSELECT '<A>'`],
    [`/* :'A' */ :'A'`, `/* :'A' */ '<A>'`],
    [`DO $$ x := :'A' $$; :'A'`, `DO $$ x := :'A' $$; '<A>'`],
    [`$f$ $$ :'A' $f$ :'A'`, `$f$ $$ :'A' $f$ '<A>'`],
    [`E'it\\'s :'A' :'B'`, `E'it\\'s :'A' :'B'`],
    [`":'A'" :'A'`, `":'A'" '<A>'`],
    [`'$$' :'A' '$$'`, `'$$' '<A>' '$$'`],
  ])('%s', (sql, filled) => expect(fillSql(sql, value)).toBe(filled))
})

describe('quoting', () => {
  it('makes a literal that means the text', () => {
    expect(quoteLiteral("it's")).toBe("'it''s'")
    expect(quoteLiteral('a\\b')).toBe(" E'a\\\\b'")
  })

  it('makes an identifier', () => expect(quoteIdentifier('a "b"')).toBe('"a ""b"""'))
})
