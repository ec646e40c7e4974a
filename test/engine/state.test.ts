import { expect, it } from 'vitest'
import { nextStates, step, syncStates } from '../../src/engine/state.ts'

const legal = `
               standby  snapshotting  loading  catching up  live  stopped  failed
standby        same     yes           yes      yes          no    yes      yes
snapshotting   yes      same          yes      yes          yes   yes      yes
loading        yes      yes           same     yes          yes   yes      yes
catching up    yes      yes           yes      same         yes   yes      yes
live           yes      yes           yes      yes          same  yes      yes
stopped        yes      yes           yes      yes          yes   same     yes
failed         yes      yes           yes      yes          yes   yes      same`

const table = legal
  .trim()
  .split('\n')
  .slice(1)
  .flatMap((line) => {
    const [from, ...cells] = line.split(/ {2,}/)
    return cells.map((cell, at) => [from!, syncStates[at]!, cell] as const)
  })

it.each(table)('%s → %s: %s', (from, to, cell) => {
  const source = from as (typeof syncStates)[number]
  if (cell === 'no') {
    expect(() => step(source, to)).toThrow(`from ${from} to ${to}`)
    expect(nextStates[source]).not.toContain(to)
  } else {
    expect(step(source, to)).toBe(to)
    expect(nextStates[source].includes(to)).toBe(cell === 'yes')
  }
})

it('covers every pair', () => {
  expect(table).toHaveLength(syncStates.length ** 2)
})
