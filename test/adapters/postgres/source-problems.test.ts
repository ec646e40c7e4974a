import { describe, expect, it } from 'vitest'
import { type SourceFindings, sourceProblems, sourceWarnings } from '../../../src/adapters/postgres/source-problems.ts'

const at = { host: 'db', port: 5432, database: 'shop', user: 'capture', password: 'hunter2' }
const needs = { source: 'shop', tables: [], slot: 's', publication: 'p' }

const fit: SourceFindings = {
  server: {
    version: '18.0',
    walLevel: 'logical',
    inRecovery: false,
    slotsMax: 10,
    slotsUsed: 3,
    sendersMax: 10,
    sendersUsed: 3,
    walKeepMax: 1_000_000,
    walLsn: 1n,
    mayReplicate: true,
    mayCreatePublications: true,
    identity: null,
  },
  tables: new Map(),
  slot: null,
  publication: {
    name: 'p',
    owner: 'shop',
    owned: true,
    allTables: false,
    narrowed: false,
    tables: [],
    actions: ['insert', 'update', 'delete', 'truncate'],
    viaPartitionRoot: true,
  },
  names: [],
}

const slot = {
  name: 's',
  type: 'logical',
  database: 'shop',
  here: true,
  plugin: 'pgoutput',
  active: false,
  walStatus: 'reserved',
  invalidation: null,
  restartLsn: 1n,
  confirmedFlushLsn: 1n,
  keptBytes: 10n,
}

const codes = (found: SourceFindings) => sourceProblems(needs, found, at).map(({ code }) => code)

describe('what a server cannot be made to be in a test', () => {
  it('names a wal_level that does not do', () => {
    const problems = sourceProblems(needs, { ...fit, server: { ...fit.server, walLevel: 'replica' } }, at)
    expect(problems).toMatchObject([{ code: 'SOURCE_WAL_LEVEL', facts: { level: 'replica', host: 'db' } }])
  })

  it('counts WAL senders only while ours does not hold one', () => {
    const full = { ...fit, server: { ...fit.server, sendersUsed: 10 } }
    expect(codes(full)).toEqual(['SOURCE_SLOTS_FULL'])
    expect(codes({ ...full, slot: { ...slot, active: true } })).toEqual([])
  })

  it('does not miss that a slot lost its WAL, or is near it', () => {
    const lost = { ...slot, walStatus: 'lost', invalidation: 'wal_removed' }
    expect(codes({ ...fit, slot: lost })).toEqual(['SOURCE_SLOT_LOST'])
    expect(sourceWarnings({ ...fit, slot: { ...slot, keptBytes: 900_000n } }, at)[0]?.message).toContain('90 %')
    expect(sourceWarnings({ ...fit, slot }, at)).toEqual([])
  })

  it.each([
    [{ type: 'physical' }, 'physical'],
    [{ here: false, database: 'other' }, 'database other'],
    [{ plugin: 'wal2json' }, 'wal2json'],
  ])('refuses a slot that is not ours: %o', (difference, told) => {
    const problems = sourceProblems(needs, { ...fit, slot: { ...slot, ...difference } }, at)
    expect(problems.map(({ code }) => code)).toEqual(['SOURCE_SLOT_FOREIGN'])
    expect(problems[0]?.message).toContain(told)
  })
})
