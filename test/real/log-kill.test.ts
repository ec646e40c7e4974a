import { expect, it } from 'vitest'
import { killConnectAgainAndAgain } from './log/run.ts'

/**
 * The log is what the source committed: every transaction once, whole, in commit order, whatever happens to Connect. The long form:
 * `MILLRACE_KILLS=50 npx tsx test/real/log/main.ts`.
 */
it('holds every transaction once, whole, in commit order, while Connect is killed again and again', async () => {
  const seed = Date.now() % 1_000_000
  const report = await killConnectAgainAndAgain({
    seed,
    kills: 3,
    oneByOne: 1,
    snapshotKills: 1,
    snapshotRows: 30_000,
    largeRows: 5000,
    say: (line) => process.stdout.write(`  log-kill (seed ${seed}): ${line}\n`),
  })
  expect(report.wrong, `seed ${seed}`).toEqual([])
  expect(report.differences, `seed ${seed}`).toEqual([])
  expect(report.attempts.length).toBe(2)
  expect(report.attempts.map(({ completed }) => completed)).toEqual([false, true])
  expect(report.kills).toMatchObject({ snapshot: 1, streaming: 3, oneByOne: 1 })
  // Each of them was compared with what its writer wrote down.
  expect(report.ledger).toBeGreaterThan(50)
}, 300_000)
