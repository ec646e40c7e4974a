/**
 * Kills Connect again and again and holds the log to its promises.
 *
 *   MILLRACE_KILLS=50 npx tsx test/real/log/main.ts [seed]
 */
import { killConnectAgainAndAgain } from './run.ts'

const seed = Number(process.argv[2] ?? Date.now() % 1_000_000)
const stopped = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.abort(new Error(signal)))
const started = Date.now()
const say = (line: string) => process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1)} s  ${line}\n`)
say(`seed ${seed}`)
const kills = Number(process.env.MILLRACE_KILLS ?? 50)
const report = await killConnectAgainAndAgain({
  seed,
  kills,
  oneByOne: Number(process.env.MILLRACE_ONE_BY_ONE ?? Math.ceil(kills / 6)),
  snapshotKills: Number(process.env.MILLRACE_SNAPSHOT_KILLS ?? 3),
  snapshotRows: Number(process.env.MILLRACE_SNAPSHOT_ROWS ?? 100_000),
  largeRows: 10_000,
  say,
  signal: stopped.signal,
})
process.stdout.write(
  `${JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`,
)
process.exit(report.wrong.length + report.differences.length > 0 ? 1 : 0)
