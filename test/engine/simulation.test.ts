import { expect, it } from 'vitest'
import { simulate } from '../support/sim-schedule.ts'

/**
 * Random lives of a source, its log, two workers and a sink, with every call to the outside delayed, cut off or never answered. After
 * every commit the targets must show exactly the source's state at `appliedLsn`.
 *
 * MILLRACE_SEED runs from that seed on; MILLRACE_RUNS says how many; MILLRACE_TRACE=1 prints what happened up to a failure.
 */
const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Date.now() / 1000) % 1_000_000_000)
const runs = Number(process.env.MILLRACE_RUNS ?? 2000)

it(`shows a state the source was in, in ${runs} lives from seed ${seed} on`, { timeout: 600_000 }, async () => {
  const seen = new Map<string, number>()
  let compared = 0
  for (let run = 0; run < runs; run++) {
    try {
      const result = await simulate(seed + run)
      compared += result.compared
      for (const [event, count] of result.events) seen.set(event, (seen.get(event) ?? 0) + count)
    } catch (error) {
      throw new Error(`MILLRACE_SEED=${seed + run} MILLRACE_RUNS=1 shows it again: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
  // A simulation that visits nothing finds nothing.
  expect(compared).toBeGreaterThan(5 * runs)
  if (runs < 500) return
  for (const event of ['loading', 'live', 'stopped', 'failed', 'error COMMIT_UNKNOWN', 'error FENCED', 'note']) {
    expect(seen.get(event), event).toBeGreaterThan(0)
  }
})
