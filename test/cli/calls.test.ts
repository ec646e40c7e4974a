import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProjectFolder, projectFolder, shopFiles } from '../support/project-folder.ts'
import { millrace } from './call.ts'

let good: ProjectFolder
let bad: ProjectFolder
let empty: string

beforeAll(async () => {
  good = await projectFolder(shopFiles)
  bad = await projectFolder({
    ...shopFiles,
    'connectors/shop.ts': `import { postgresSource, secret } from 'millrace'
export default postgresSource({
  url: 'postgres://capture:hunter2@localhost/shop',
  password: secret('SHOP_PASSWORD'),
  tables: ['public.customers', 'public.customers'],
})
`,
    'processors/billing-copy.ts': `import { postgresSink, secret, sync } from 'millrace'
import { customers, orders } from '../schemas/shop.js'
export default sync({
  from: { customers, orders },
  to: postgresSink({ database: 'biling', user: 'sync', password: secret('BILLING_PASSWORD'), schema: 'shop' }),
  tables: { customers: { columns: ['id', 'nmae'] } },
})
`,
    'processors/broken.ts': `throw new Error('not today')\n`,
  })
  empty = await mkdtemp(join(tmpdir(), 'millrace-empty-'))
})

afterAll(async () => {
  await good.remove()
  await bad.remove()
  await rm(empty, { recursive: true })
})

describe('a call that makes no sense', { timeout: 60_000 }, () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['plan', '--nope'], "unknown option '--nope'"],
    [['run', '--port', 'x'], 'a port is 0 to 65535'],
    [['reset'], "missing required argument 'sync'"],
    [['check', 'surplus'], 'too many arguments'],
  ])('%j exits with 2, says why and where help is, and does nothing', async (words, why) => {
    const { code, stdout, stderr } = await millrace(good.folder, ...words)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(why)
    expect(stderr).toContain('--help')
  })
})

describe('help and version', { timeout: 60_000 }, () => {
  it('are no mistake', async () => {
    const help = await millrace(empty, '--help')
    expect(help.code).toBe(0)
    for (const name of ['up', 'down', 'check', 'types', 'plan', 'apply', 'run', 'status']) {
      expect(help.stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    }
    expect(help.stdout).toContain('Exit codes: 0 done, 1 failed or not healthy, 2 wrong use, 3 changes')
    expect(await millrace(empty, '--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})

describe('check', { timeout: 60_000 }, () => {
  it('is short when nothing is wrong', async () => {
    const { code, stdout, stderr } = await millrace(good.folder, 'check')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot('goldens/check-good.txt')
  })

  it('tells every problem of every file at once, and no password', async () => {
    const { code, stdout } = await millrace(bad.folder, 'check')
    expect(code).toBe(1)
    expect(stdout).not.toContain('hunter2')
    await expect(stdout.replaceAll(bad.folder, '<folder>')).toMatchFileSnapshot('goldens/check-bad.txt')
  })

  it('gives machines one document with the same problems', async () => {
    const { code, stdout, stderr } = await millrace(bad.folder, 'check', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).not.toContain('hunter2')
    const { problems } = JSON.parse(stdout) as { problems: Record<string, unknown>[] }
    expect(problems.length).toBeGreaterThanOrEqual(4)
    for (const problem of problems) {
      expect(Object.keys(problem)).toEqual(
        expect.arrayContaining(['code', 'severity', 'file', 'field', 'message', 'remedy']),
      )
    }
    expect(problems.map(({ code: name }) => name)).toEqual(
      expect.arrayContaining(['DATABASE_UNKNOWN', 'COLUMN_UNKNOWN', 'TABLE_TWICE', 'DECLARATION_LOAD']),
    )
  })
})

describe('before anything runs', { timeout: 60_000 }, () => {
  it.each([['plan'], ['apply', '--yes'], ['status'], ['run']])(
    '%s says what is missing and how to get it',
    async (...words) => {
      const { code, stdout, stderr } = await millrace(good.folder, ...words)
      expect(code).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain('[PARTS_NOT_RUNNING]')
      expect(stderr).toContain('millrace up')
      // One error and its remedy: no stack, no library talking.
      expect(stderr.trim().split('\n').length).toBe(2)
    },
  )

  it('is an error document with --json', async () => {
    const { code, stdout, stderr } = await millrace(good.folder, 'plan', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'PARTS_NOT_RUNNING',
        message: expect.any(String),
        remedy: expect.any(String),
        retriable: expect.any(Boolean),
      },
    })
  })

  it('down has nothing to end, and that is no error', async () => {
    const { code, stdout } = await millrace(good.folder, 'down')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Nothing was running.\n' })
  })

  it('run refuses a name that nobody declared, and lists those that are', async () => {
    const { code, stderr } = await millrace(good.folder, 'run', 'biling-copy')
    expect(code).toBe(1)
    expect(stderr).toContain('[SYNC_UNKNOWN]')
    expect(stderr).toContain('billing-copy')
  })

  it('run starts nothing of a project with problems', async () => {
    const { code, stderr } = await millrace(bad.folder, 'run')
    expect(code).toBe(1)
    expect(stderr).toContain('Nothing was started.')
  })

  it.each([['check'], ['plan'], ['up']])('%s says that a folder is no project', async (word) => {
    const { code, stderr } = await millrace(empty, word)
    expect(code).toBe(1)
    expect(stderr).toContain('[PROJECT_MISSING]')
    expect(stderr).toContain('--folder')
  })
})
