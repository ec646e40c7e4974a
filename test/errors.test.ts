import { describe, expect, it } from 'vitest'
import { errorTable, fault, isMillraceError, MillraceError } from '../src/errors.ts'

const rows = Object.entries(errorTable)

describe('the table of errors', () => {
  it('names codes like SOURCE_WAL_LEVEL', () => {
    expect(rows.length).toBeGreaterThan(50)
    expect(rows.filter(([code]) => !/^[A-Z]+(_[A-Z]+)*$/.test(code))).toEqual([])
  })

  it('says what is wrong and what to do', () => {
    const wrong = rows.filter(
      ([, { message, remedy }]) => message.length < 10 || remedy.length < 8 || /\s\s/.test(remedy),
    )
    expect(wrong.map(([code]) => code)).toEqual([])
  })

  it('never says the same of two codes', () => {
    const said = rows.map(([, { message, remedy }]) => message + remedy)
    expect(said.filter((one, index) => said.indexOf(one) !== index)).toEqual([])
  })
})

describe('an error', () => {
  const error = fault('SECRET_MISSING', { name: 'SHOP_PASSWORD' }, new Error('cause'))

  it('carries its facts in the sentence, the remedy and as properties', () => {
    expect(error).toBeInstanceOf(MillraceError)
    expect(error.message).toBe('The secret SHOP_PASSWORD has no value.')
    expect(error.remedy).toContain('SHOP_PASSWORD')
    expect(error.facts).toEqual({ name: 'SHOP_PASSWORD' })
    expect(error.cause).toEqual(new Error('cause'))
  })

  it('is plain data for machines, without its cause', () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'SECRET_MISSING',
      message: error.message,
      remedy: error.remedy,
      retriable: false,
    })
  })

  it('is known by its brand, whichever copy of the module made it', () => {
    expect(isMillraceError(error)).toBe(true)
    expect(isMillraceError(new Error('SECRET_MISSING'))).toBe(false)
  })
})
