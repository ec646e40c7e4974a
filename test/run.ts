/**
 * `npm test`: the repository's checks, the unit tests, then the scenarios on the real parts; closes with one line that says how
 * many passed and failed. A stage that crashes counts as a failure: a run that executed nothing can never look green.
 *
 *   npm test                 everything
 *   npm test -- unit         one stage: check, unit or real
 *   npm test -- real kill    further words choose test files
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Count {
  passed: number
  failed: number
  skipped: number
}

const stages = ['check', 'unit', 'real'] as const
type Stage = (typeof stages)[number]

const words = process.argv.slice(2)
const chosen = stages.includes(words[0] as Stage) ? [words[0] as Stage] : stages
const filters = chosen.length === 1 ? words.slice(1) : words
const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
const total: Count = { passed: 0, failed: 0, skipped: 0 }

for (const stage of chosen) {
  const started = Date.now()
  say(`\n== ${stage}`)
  const count = stage === 'check' ? await checks() : await suite(stage)
  total.passed += count.passed
  total.failed += count.failed
  total.skipped += count.skipped
  say(`== ${stage}: ${count.passed} passed, ${count.failed} failed in ${Math.round((Date.now() - started) / 1000)} s`)
}

rmSync(folder, { recursive: true, force: true })
say(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0)

/** Types, lint and dead code: each is one test. */
async function checks(): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, skipped: 0 }
  for (const script of ['check:types', 'check:lint', 'check:dead']) {
    const code = await run('npm', ['run', '--silent', script])
    say(`${code === 0 ? 'ok    ' : 'FAILED'} npm run ${script}`)
    if (code === 0) count.passed++
    else count.failed++
  }
  return count
}

async function suite(stage: 'unit' | 'real'): Promise<Count> {
  const report = join(folder, `${stage}.json`)
  const config = stage === 'unit' ? 'vitest.config.ts' : 'vitest.real.config.ts'
  const code = await run('npx', [
    '--no',
    'vitest',
    'run',
    '--config',
    config,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...filters,
  ])
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'))
    const count: Count = {
      passed: result.numPassedTests,
      failed: result.numFailedTests,
      skipped: result.numPendingTests + result.numTodoTests,
    }
    // A file that does not load, or a setup that throws, fails no test by itself.
    if (code !== 0 && count.failed === 0) count.failed = 1
    return count
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', (error) => {
      say(`${command}: ${error.message}`)
      resolve(127)
    })
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1))
  })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
