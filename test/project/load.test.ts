import { afterEach, describe, expect, it } from 'vitest'
import { declarationKind } from '../../src/declare/brand.ts'
import { loadProject } from '../../src/project/load.ts'
import { type ProjectFolder, projectFolder, runningModules, shopFiles } from '../support/project-folder.ts'

let project: ProjectFolder | undefined

afterEach(async () => {
  await project?.remove()
  project = undefined
})

async function load(files: Readonly<Record<string, string>>) {
  project = await projectFolder(files)
  return project.load()
}

/** The problems as `FILE:LINE CODE`, which is what a person looks for first. */
async function problemsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { problems } = await load(files)
  return problems.map(({ file, line, code }) => `${file}${line === null ? '' : `:${line}`} ${code}`)
}

describe('reading a project', () => {
  it('finds every declaration by its folder and names it by its path', async () => {
    const loaded = await load({
      ...shopFiles,
      'connectors/eu/stock.ts': shopFiles['connectors/shop.ts']!,
      'connectors/.hidden.ts': 'throw 1',
      'connectors/shop.test.ts': 'throw 1',
      'processors/readme.md': 'not a declaration',
    })
    expect(loaded.problems).toEqual([])
    expect(loaded.name).toBe('shop-project')
    expect(loaded.sources.map(({ name, file }) => [name, file])).toEqual([
      ['eu.stock', 'connectors/eu/stock.ts'],
      ['shop', 'connectors/shop.ts'],
    ])
    expect(loaded.connectors.map(({ name }) => name)).toEqual(['archive'])
    expect(loaded.syncs.map(({ name }) => name)).toEqual(['billing-copy'])
    expect([...loaded.contracts.get('shop')!.keys()]).toEqual(['public.customers', 'public.orders'])
    expect(loaded.placeholders.get('shop')).toBe('0123456789abcdef0123456789abcdef')
  })

  it('hands declarations the running modules, so that there is one copy of them', async () => {
    const seen: unknown[] = []
    project = await projectFolder({
      'connectors/shop.ts': `import { postgresSource, mine } from 'millrace'
        import { nothing } from 'millrace/operators'
        mine(postgresSource, nothing)
        export default postgresSource({ url: 'postgres://a@b/c', password: { kind: 'secret', name: 'X' }, tables: ['a.b'] })`,
    })
    const millrace = { ...runningModules.millrace, mine: (...args: unknown[]) => seen.push(...args) }
    const { sources } = await loadProject(project.folder, { millrace, 'millrace/operators': { nothing: 7 } })
    expect(seen).toEqual([runningModules.millrace.postgresSource, 7])
    expect(declarationKind(sources[0]!.declaration)).toBe('postgres-source')
  })

  it('reads changed files afresh the next time', async () => {
    const first = await load(shopFiles)
    await project!.write({
      'schemas/shop.ts': shopFiles['schemas/shop.ts']!.replace('"table":"orders"', '"table":"purchases"'),
    })
    const second = await project!.load()
    const tableOf = (loaded: typeof first) => loaded.syncs[0]!.declaration.from.orders!.contract.table
    expect([tableOf(first), tableOf(second)]).toEqual(['orders', 'purchases'])
  })

  it('refuses a folder that holds no project', async () => {
    await expect(load({ 'notes.txt': '' })).rejects.toMatchObject({ code: 'PROJECT_MISSING' })
  })
})

describe('files that cannot be read', () => {
  it('are all reported, each with its line', async () => {
    const source = shopFiles['connectors/shop.ts']!
    expect(
      await problemsOf({
        'connectors/a-syntax.ts': 'export const a = 1\nexport default {\n  a: = 2\n}\n',
        'connectors/b-throws.ts': "interface Gone {\n  a: number\n}\nthrow new Error('boom')\n",
        'connectors/c-import.ts': "\nimport { a } from './missing.js'\nexport default a\n",
        'connectors/d-package.ts': "import a from 'no-such-package'\nexport default a\n",
        'connectors/e-no-default.ts': source.replace('export default', 'export const shop ='),
        'connectors/f-no-declaration.ts': 'export default { tables: [] }\n',
        'connectors/g-json.json': '{ "connector.class": ',
        'connectors/h-helper.ts': "import { fail } from '../lib/helper.js'\nexport default fail()\n",
        'lib/helper.ts': "export function fail(): never {\n  throw new TypeError('inside')\n}\n",
        'processors/wrong-folder.ts': source,
        'millrace.config.ts': source,
        'schemas/broken.ts': 'export const x = ;',
        'schemas/shop/source.json': '{ "unchanged": "short" }',
      }),
    ).toEqual([
      'connectors/a-syntax.ts:3 DECLARATION_LOAD',
      'connectors/b-throws.ts:4 DECLARATION_LOAD',
      'connectors/c-import.ts:2 DECLARATION_LOAD',
      'connectors/d-package.ts:1 DECLARATION_LOAD',
      'connectors/e-no-default.ts DECLARATION_LOAD',
      'connectors/f-no-declaration.ts DECLARATION_LOAD',
      'connectors/g-json.json DECLARATION_LOAD',
      'lib/helper.ts:2 DECLARATION_LOAD',
      'millrace.config.ts DECLARATION_KIND',
      'processors/wrong-folder.ts DECLARATION_KIND',
      'schemas/broken.ts:1 DECLARATION_LOAD',
      'schemas/shop/source.json DECLARATION_INVALID',
    ])
  })

  it('show no machine path in their reasons', async () => {
    const { problems } = await load({
      'connectors/a.ts': 'export default {\n  a: = 2\n}\n',
      'connectors/b.ts': "import { a } from './missing.js'\nexport default a\n",
    })
    for (const { message } of problems) expect(message).not.toContain(project!.folder)
  })
})

describe('the form of declarations', () => {
  it('is checked field by field, with the name that was probably meant', async () => {
    const { problems } = await load({
      ...shopFiles,
      'connectors/shop.ts': `import { postgresSource, secret } from 'millrace'
export default postgresSource({
  database: 'shop',
  user: 'capture',
  password: 'hunter2',
  tables: ['customers', 'public.orders'],
  histryDays: 7,
  pollMs: 0,
})
`,
    })
    expect(problems.map(({ line, field, message }) => [line, field, message])).toEqual([
      [5, 'password', "connectors/shop.ts: password: must be a secret: secret('NAME')"],
      [6, 'tables[0]', 'connectors/shop.ts: tables[0]: must be schema.table'],
      [7, 'histryDays', 'connectors/shop.ts: histryDays: is not known; did you mean historyDays?'],
      [8, 'pollMs', 'connectors/shop.ts: pollMs: must be greater than zero'],
    ])
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  it('refuses names that topics and slots cannot hold, and names that fold into one', async () => {
    const source = shopFiles['connectors/shop.ts']!
    expect(
      await problemsOf({
        'connectors/my shop.ts': source,
        'connectors/eu-shop.ts': source,
        'connectors/eu/shop.ts': source,
      }),
    ).toEqual(['connectors/eu/shop.ts DECLARATION_DUPLICATE', 'connectors/my shop.ts DECLARATION_NAME'])
  })

  it('refuses a secret in plain text in a plain connector', async () => {
    const { problems } = await load({
      'connectors/a.json': JSON.stringify({ 'connector.class': 'x.Y', 'db.password': 'hunter2', nested: {} }),
    })
    expect(problems.map(({ code, field }) => [code, field])).toEqual([
      ['CONNECTOR_SECRET_INLINE', 'db.password'],
      ['DECLARATION_INVALID', 'nested'],
    ])
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })
})
