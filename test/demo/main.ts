/**
 * `npm run demo`: the main job, end to end, on the real parts. Starts them, applies the root project, lets the shop do business,
 * kills the worker and then Kafka Connect in the middle, and compares both databases row by row.
 *
 *   npm run demo -- --keep               leave everything up, with the addresses printed
 *   npm run demo -- --transactions 5000  how much business (default 3000)
 */
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { compareShop } from '../support/shop-check.ts'
import { runTraffic, stockShop } from '../support/shop-traffic.ts'
import { DemoProject } from './project.ts'
import { Watcher } from './watcher.ts'

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, transactions: { type: 'string', default: '3000' } },
})
const transactions = Number(options.transactions)
const perSecond = 100
const began = Date.now()
const project = await DemoProject.make()
let matched = false
let counters: NodeJS.Timeout | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    say('\nInterrupted: taking everything down.')
    project.down().then(() => process.exit(130))
  })
}

try {
  title('Start: the parts, the plan, the worker')
  await project.up()

  const shop = await project.connect('shop')
  const billing = await project.connect('billing')
  const probe = await project.connect('billing')

  title(`Business: ${transactions} transactions at ${perSecond} a second`)
  await stockShop(shop, { customers: 500, products: 200 })
  const watcher = new Watcher(shop, billing, probe)
  await watcher.untilCaughtUp(60_000)
  say(`The shop is stocked and billing has its copy ${pc.dim(`(applied ${await watcher.appliedLsn()})`)}`)
  watcher.start()

  const traffic = await project.connect('shop')
  const quiet = runTraffic(traffic, {
    transactions: Math.round(transactions / 3),
    perSecond,
    random: Math.random,
    onDone: () => watcher.written(),
  })
  counters = setInterval(() => say(watcher.line()), 2000)
  await quiet
  const latency = await watcher.latency()

  const busy = runTraffic(traffic, {
    transactions: transactions - Math.round(transactions / 3),
    perSecond,
    random: Math.random,
    onDone: () => watcher.written(),
  })
  await sleep(2000)
  const worker = await project.killWorker()
  say(pc.yellow(`kill -9 the worker (pid ${worker})`))
  const workerBack = await watcher.recovery()
  say(pc.green(`the worker is back: business committed after the kill arrived ${seconds(workerBack)} after it`))
  await sleep(3000)
  const connect = await project.killConnect()
  say(pc.yellow(`kill -9 Kafka Connect (pid ${connect})`))
  const connectBack = await watcher.recovery()
  say(pc.green(`capture is back: business committed after the kill arrived ${seconds(connectBack)} after it`))
  const done = await busy
  clearInterval(counters)

  title('Verdict')
  await watcher.untilCaughtUp(60_000)
  const torn = await watcher.stop()
  const comparison = await compareShop(shop, billing)
  for (const { table, rows, differences } of comparison) {
    const verdict = differences.length === 0 ? pc.green('equal') : pc.red(`${differences.length} or more rows differ`)
    say(`  ${table.padEnd(12)} ${String(rows).padStart(7)} rows  ${verdict}`)
    for (const difference of differences) say(pc.red(`    ${difference}`))
  }
  say(
    `  torn transactions seen by a reader in billing: ${torn.sentences.length === 0 ? pc.green('none') : pc.red(String(torn.sentences.length))} in ${torn.reads} reads`,
  )
  for (const sentence of torn.sentences.slice(0, 5)) say(pc.red(`    ${sentence}`))
  say(`  commit to commit, before the kills: p50 ${latency.p50} ms, p99 ${latency.p99} ms (${latency.count} payments)`)
  say(`  recovery: worker ${seconds(workerBack)}, Connect ${seconds(connectBack)}`)
  say(
    `  business of the second half: ${Object.entries(done.byDeed)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ')}`,
  )
  matched =
    torn.sentences.length === 0 && torn.reads > 0 && comparison.every(({ differences }) => differences.length === 0)
  await Promise.all([shop, billing, probe, traffic].map((client) => client.end()))
  if (options.keep) for (const line of project.addresses()) say(`  ${line}`)
} catch (error) {
  say(pc.red(`\n${error instanceof Error ? error.message : String(error)}`))
  await project.status()
} finally {
  clearInterval(counters)
  if (!options.keep) await project.down()
}

const verdict = matched
  ? pc.green('Both databases are equal, and no transaction was ever torn.')
  : pc.red('The databases differ.')
say(`\n${pc.bold(verdict)} ${pc.dim(`${Math.round((Date.now() - began) / 1000)} s`)}`)
process.exit(matched ? 0 : 1)

function title(text: string): void {
  say(`\n${pc.bold(text)}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
