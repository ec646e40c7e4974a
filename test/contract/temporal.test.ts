import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isoDate, isoInstant, isoInterval, isoTime, isoTimestamp, pgTemporal } from '../../src/contract/temporal.ts'

describe('dates and times', () => {
  test('dates are those of the calendar JavaScript knows, in all its years', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        expect(isoDate(days)).toBe(new Date(days * 86_400_000).toISOString().split('T')[0])
      }),
      { numRuns: 5000 },
    )
  })

  test('timestamps keep every microsecond, as numbers and as bigints', () => {
    const millis = fc.integer({ min: -8_000_000_000_000_000, max: 8_000_000_000_000_000 })
    fc.assert(
      fc.property(millis, fc.integer({ min: 0, max: 999 }), (ms, micros) => {
        const iso = new Date(ms).toISOString().replace('Z', String(micros).padStart(3, '0'))
        const exact = BigInt(ms) * 1000n + BigInt(micros)
        expect(isoTimestamp(exact)).toBe(iso)
        if (Number.isSafeInteger(Number(exact))) expect(isoTimestamp(Number(exact))).toBe(iso)
      }),
    )
  })

  test('texts are in the order of their values', () => {
    const micros = fc.integer({ min: -62_135_596_800_000_000, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(micros, micros, (one, other) => {
        expect(isoTimestamp(one) < isoTimestamp(other)).toBe(one < other)
      }),
    )
  })

  test('midnight at the end of the day is not the one at its beginning', () => {
    expect(isoTime(86_400_000_000)).toBe('24:00:00.000000')
    expect(isoTime(0)).toBe('00:00:00.000000')
  })

  test.each([
    ['2024-02-29T13:14:15Z', '2024-02-29T13:14:15.000000Z'],
    ['2024-02-29T13:14:15.1Z', '2024-02-29T13:14:15.100000Z'],
    ['2024-02-29T13:14:15.123456Z', '2024-02-29T13:14:15.123456Z'],
    ['+294276-12-31T23:59:59.999999Z', '+294276-12-31T23:59:59.999999Z'],
    ['-4712-11-24T00:00:00.000000Z', '-004712-11-24T00:00:00.000000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000000Z'],
    ['infinity', 'infinity'],
    ['-infinity', '-infinity'],
  ])('the one text of the instant %s', (text, one) => {
    expect(isoInstant(text)).toBe(one)
    expect(isoInstant(one)).toBe(one)
  })

  test.each([
    ['P0Y0M0DT0H0M0S', 'PT0S'],
    ['P1Y2M3DT4H5M6.789S', 'P1Y2M3DT4H5M6.789S'],
    ['P0Y10M0DT0H0M0.000001S', 'P10MT0.000001S'],
    ['P-1Y0M-10DT0H-20M0S', 'P-1Y-10DT-20M'],
    ['P0Y0M0DT100H0M10S', 'PT100H10S'],
    ['P0Y0M0DT0H0M-0.5S', 'PT-0.5S'],
  ])('the interval %s', (written, short) => {
    expect(isoInterval(written)).toBe(short)
  })

  test.each([
    ['2024-02-29', '2024-02-29'],
    ['+012345-01-01T00:00:00.000000', '12345-01-01T00:00:00.000000'],
    ['-000043-03-15', '0044-03-15 BC'],
    ['0000-03-15', '0001-03-15 BC'],
    ['infinity', 'infinity'],
    ['-infinity', '-infinity'],
  ])('for Postgres %s', (iso, text) => {
    expect(pgTemporal(iso)).toBe(text)
  })
})
