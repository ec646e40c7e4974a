import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, Scenario } from './scenario.ts'

/** What is not there, or not what it was, when millrace starts: said by name, with nothing lost, and over when it is back. */
let world: Scenario

beforeAll(async () => {
  world = await Scenario.make({
    source: `CREATE TABLE notes (id int PRIMARY KEY, word text NOT NULL); INSERT INTO notes VALUES (1, 'one'), (2, 'two')`,
    tables: ['public.notes'],
    handles: ['notes'],
    sync: 'from: { notes },',
  })
  await world.millrace('apply --yes')
})
afterAll(() => world?.end())

const same = async (): Promise<void> => {
  await world.caughtUp()
  expect(await world.differences('SELECT * FROM notes', 'SELECT * FROM copy.notes')).toEqual([])
}

it('says which system is away, and goes on when it is back', async () => {
  const config = readFileSync(join(world.project.folder, 'millrace.config.ts'), 'utf8')
  const away: readonly (readonly [code: string, from: RegExp, to: string])[] = [
    ['KAFKA_UNREACHABLE', /brokers: \['[^']+'\]/, `brokers: ['127.0.0.1:1']`],
    ['REGISTRY_UNREACHABLE', /registry: \{ url: '[^']+' \}/, `registry: { url: 'http://127.0.0.1:1' }`],
  ]
  for (const [code, from, to] of away) {
    await world.project.write({ 'millrace.config.ts': config.replace(from, to) })
    const lost = world.startWorker()
    expect((await world.trouble(code)).state).toBe('failed')
    const plan = await world.call('plan')
    expect(plan.code).toBe(1)
    expect(plan.text).toContain(code)
    await lost.kill('SIGTERM')
  }
  await world.project.write({
    'millrace.config.ts': config.replace(/connect: \{ url: '[^']+'/, `connect: { url: 'http://127.0.0.1:1'`),
  })
  const plan = await world.call('plan')
  expect(plan.code).toBe(1)
  expect(plan.text).toContain('CONNECT_UNREACHABLE')
  await world.project.write({ 'millrace.config.ts': config })
  world.startWorker()
  await same()
})

it('a source restored to an older state is found, and nothing is applied on top of what it forgot', async () => {
  const data = join(world.sourceFiles(), 'data')
  const copy = `${data}-older`
  await world.stopSource()
  execFileSync('cp', ['-a', data, copy])
  await world.startSource()
  await world.source.query(`INSERT INTO notes SELECT n, 'lost with the restore' FROM generate_series(10, 30009) n`)
  await same()
  await world.stopSource()
  rmSync(data, { recursive: true })
  execFileSync('mv', [copy, data])
  await world.startSource()
  await world.source.query(`INSERT INTO notes VALUES (3, 'after the restore')`)
  const verdict = await eventually('a verdict', 120_000, async () => {
    const { code, text } = await world.call('status')
    return code === 1 && text.includes('SOURCE_BEHIND') ? text : undefined
  })
  expect(verdict).toContain('Not everything is well')
  const { rows } = await world.sink.query('SELECT count(*)::int AS n FROM copy.notes')
  expect(rows[0].n).toBe(30_002)
}, 240_000)
