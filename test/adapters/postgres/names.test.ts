import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedName, parseTable, quoteName, quoteText } from '../../../src/adapters/postgres/names.ts'
import { nearest } from '../../../src/adapters/postgres/nearest.ts'
import { parentsFirst } from '../../../src/adapters/postgres/target-order.ts'
import { lsnNumber, lsnText } from '../../../src/contract/lsn.ts'

describe('names in Postgres', () => {
  it('are bounded without two becoming one', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 80 }),
        fc.string({ minLength: 1, maxLength: 5 }),
        (name, tail) => {
          const bounded = boundedName(name)
          expect(Buffer.byteLength(bounded)).toBeLessThanOrEqual(63)
          expect(bounded).not.toContain('\uFFFD')
          const long = name + 'x'.repeat(70)
          expect(boundedName(long + tail)).not.toBe(boundedName(long))
        },
      ),
    )
  })

  it('are quoted, and split at the first dot', () => {
    expect(quoteName('a"b')).toBe('"a""b"')
    expect(quoteText(`it's`)).toBe(`'it''s'`)
    expect(quoteText('back\\slash').trim()).toBe(`E'back\\\\slash'`)
    expect(parseTable('public.a.b')).toEqual({ schema: 'public', table: 'a.b' })
  })

  it('are guessed when they are near', () => {
    expect(nearest('public.ordres', ['public.orders', 'public.other'])).toBe('public.orders')
    expect(nearest('public.orders', ['accounting.invoices'])).toBeUndefined()
  })
})

describe('LSNs', () => {
  it('are the same number either way', () => {
    expect(lsnText(0x16_b374_d848n)).toBe('16/B374D848')
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => lsnNumber(lsnText(lsn)) === lsn))
  })
})

describe('the order of tables', () => {
  it('has every table once, parents before children where no circle is', () => {
    const edges = [
      { child: 0, parent: 2 },
      { child: 2, parent: 1 },
      { child: 2, parent: 2 },
    ]
    expect(parentsFirst(4, edges)).toEqual([1, 3, 2, 0])
    expect(
      [
        ...parentsFirst(2, [
          { child: 0, parent: 1 },
          { child: 1, parent: 0 },
        ]),
      ].sort(),
    ).toEqual([0, 1])
  })
})
