import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import type { TableContract } from '../contract/table.ts'
import { tableName } from '../contract/table.ts'
import { declarationKind } from '../declare/brand.ts'
import { type Config, defineConfig } from '../declare/config.ts'
import type { PostgresSource } from '../declare/postgres-source.ts'
import { type DeclarationKind, isDeclarationKind, shapeProblems } from '../declare/shape.ts'
import type { AnySync } from '../declare/sync.ts'
import { fault, messageOf } from '../errors.ts'
import { type Importer, moduleImporter, type RunningModules, whereThrown } from './import-module.ts'
import { readPlainConnector } from './plain-connector.ts'
import { type Problem, problem, sortProblems } from './problem.ts'
import type { Declared, PlainConnector, Project } from './project.ts'

const folderOf = { 'postgres-source': 'connectors', sync: 'processors', config: 'the root' } as const
const validName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/

/**
 * Reads a project folder: `millrace.config.ts`, `connectors/`, `processors/` and `schemas/`. Declarations get the running program's
 * own modules, so that there is one copy of millrace. Never throws for what is wrong inside a file: every such problem is in
 * `problems`, with file and, where known, line. Throws `PROJECT_MISSING` when the folder is no project.
 */
export async function loadProject(folder: string, modules: RunningModules): Promise<Project> {
  const root = resolve(folder)
  const files = await projectFiles(root)
  if (files.config === undefined && files.connectors.length === 0 && files.processors.length === 0) {
    throw fault('PROJECT_MISSING', { folder: root })
  }
  const problems: Problem[] = []
  const importer = moduleImporter(root, modules)

  const loaded: Declared<unknown>[] = []
  for (const file of [
    ...(files.config === undefined ? [] : [files.config]),
    ...files.connectors,
    ...files.processors,
  ]) {
    if (!isModule(file)) continue
    const declaration = await readDeclaration(root, file, importer, problems)
    if (declaration !== undefined && isInPlace(declaration, file, problems)) {
      loaded.push({ name: nameOf(file), file, declaration })
    }
  }
  const connectors: Declared<PlainConnector>[] = []
  for (const file of files.connectors.filter((file) => !isModule(file))) {
    const declaration = await readPlainConnector(root, file, problems)
    if (declaration !== undefined) connectors.push({ name: nameOf(file), file, declaration })
  }
  const ofKind = <D>(kind: DeclarationKind): readonly Declared<D>[] =>
    loaded.filter(({ declaration }) => declarationKind(declaration) === kind) as Declared<D>[]
  const config = ofKind<Config>('config')[0]?.declaration
  const sources = ofKind<PostgresSource>('postgres-source')
  const syncs = ofKind<AnySync>('sync')
  checkNames([...sources, ...connectors, ...syncs], problems)
  return {
    folder: root,
    name: config?.name ?? (await packageName(root)) ?? basename(root),
    config: config ?? defineConfig({}),
    sources,
    connectors,
    syncs,
    contracts: await readContracts(root, files.schemas, importer, problems),
    placeholders: await readPlaceholders(root, files.sourceNotes, problems),
    problems: sortProblems(problems),
  }
}

interface ProjectFiles {
  readonly config: string | undefined
  readonly connectors: readonly string[]
  readonly processors: readonly string[]
  readonly schemas: readonly string[]
  /** `schemas/<source>/source.json` */
  readonly sourceNotes: readonly string[]
}

async function projectFiles(root: string): Promise<ProjectFiles> {
  const config = ['millrace.config.ts', 'millrace.config.js']
  const present = await Promise.all(config.map((file) => exists(join(root, file))))
  const schemas = await filesUnder(root, 'schemas')
  return {
    config: config.find((_, index) => present[index]),
    connectors: (await filesUnder(root, 'connectors')).filter((file) => isModule(file) || file.endsWith('.json')),
    processors: (await filesUnder(root, 'processors')).filter(isModule),
    schemas: schemas.filter(isModule),
    sourceNotes: schemas.filter((file) => basename(file) === 'source.json'),
  }
}

function isModule(file: string): boolean {
  return /\.[tj]s$/.test(file) && !/\.(d|test|spec)\.[tj]s$/.test(file)
}

/** Files of a folder and the folders in it, hidden ones left out, from the root on, in name order. */
async function filesUnder(root: string, folder: string): Promise<readonly string[]> {
  if (!(await exists(join(root, folder)))) return []
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.split('/').some((part) => part.startsWith('.') || part === 'node_modules'))
    .sort()
}

/** `shop` for `connectors/shop.ts`; folders become dots, which topic names can hold. */
function nameOf(file: string): string {
  return file
    .split('/')
    .slice(1)
    .join('.')
    .replace(/\.(ts|js|json)$/, '')
}

/** The declaration that a file exports by default, or undefined when there is none that can be used; then `problems` says why. */
async function readDeclaration(root: string, file: string, importer: Importer, problems: Problem[]): Promise<unknown> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = await importer.import(join(root, file))
  } catch (thrown) {
    const { line, reason, file: culprit } = await whereThrown(thrown, root, join(root, file))
    problems.push(problem(fault('DECLARATION_LOAD', { file: culprit, reason }, thrown), { file: culprit, line }))
    return undefined
  }
  if (!('default' in module)) {
    const reason = `it has no default export${Object.keys(module).length > 0 ? `, only ${Object.keys(module).join(', ')}` : ''}`
    problems.push(problem(fault('DECLARATION_LOAD', { file, reason }), { file }))
    return undefined
  }
  const declaration = module.default
  if (!isDeclarationKind(declarationKind(declaration))) {
    const reason = 'its default export is no declaration, such as postgresSource({...}) or sync({...})'
    problems.push(problem(fault('DECLARATION_LOAD', { file, reason }), { file }))
    return undefined
  }
  const wrong = shapeProblems(declaration)
  for (const { field, reason } of wrong) {
    problems.push(
      problem(fault('DECLARATION_INVALID', { file, field: field || 'default', reason }), {
        file,
        field,
        line: await lineOfField(join(root, file), field),
      }),
    )
  }
  return wrong.length > 0 ? undefined : declaration
}

/** Whether a declaration is where its kind belongs; when not, that is a problem. */
function isInPlace(declaration: unknown, file: string, problems: Problem[]): boolean {
  const kind = declarationKind(declaration) as DeclarationKind
  const folder = file.includes('/') ? file.split('/')[0]! : folderOf.config
  const right = folderOf[kind]
  if (folder !== right) problems.push(problem(fault('DECLARATION_KIND', { file, kind, folder, right }), { file }))
  return folder === right
}

function checkNames(declared: readonly Declared<unknown>[], problems: Problem[]): void {
  const seen = new Map<string, string>()
  for (const { name, file } of declared) {
    if (!validName.test(name)) problems.push(problem(fault('DECLARATION_NAME', { file, name }), { file }))
    // Connectors and processors are named apart; slots and publications fold case and punctuation.
    const key = `${file.split('/')[0]} ${name.toLowerCase().replace(/[.-]/g, '_')}`
    const other = seen.get(key)
    if (other !== undefined) problems.push(problem(fault('DECLARATION_DUPLICATE', { file, other, name }), { file }))
    seen.set(key, file)
  }
}

async function readContracts(
  root: string,
  files: readonly string[],
  importer: Importer,
  problems: Problem[],
): Promise<Project['contracts']> {
  const contracts = new Map<string, Map<string, TableContract>>()
  for (const file of files) {
    try {
      for (const value of Object.values(await importer.import(join(root, file)))) {
        if (declarationKind(value) !== 'table') continue
        const { contract } = value as { readonly contract: TableContract }
        const ofSource = contracts.get(contract.source) ?? new Map<string, TableContract>()
        contracts.set(contract.source, ofSource.set(tableName(contract), contract))
      }
    } catch (thrown) {
      const { line, reason, file: culprit } = await whereThrown(thrown, root, join(root, file))
      problems.push(problem(fault('DECLARATION_LOAD', { file: culprit, reason }, thrown), { file: culprit, line }))
    }
  }
  return contracts
}

async function readPlaceholders(
  root: string,
  files: readonly string[],
  problems: Problem[],
): Promise<Project['placeholders']> {
  const placeholders = new Map<string, string>()
  for (const file of files) {
    const source = file.split('/').slice(1, -1).join('.')
    try {
      const { unchanged } = JSON.parse(await readFile(join(root, file), 'utf8')) as { unchanged?: unknown }
      if (typeof unchanged !== 'string' || !/^[0-9a-f]{32}$/.test(unchanged)) {
        const reason = 'must be 32 hexadecimal digits, as `millrace types` writes them'
        problems.push(
          problem(fault('DECLARATION_INVALID', { file, field: 'unchanged', reason }), { file, field: 'unchanged' }),
        )
      } else placeholders.set(source, unchanged)
    } catch (thrown) {
      problems.push(problem(fault('DECLARATION_LOAD', { file, reason: messageOf(thrown) }, thrown), { file }))
    }
  }
  return placeholders
}

/** Line of the last name of a field path that stands in the file as a property, following the path; undefined when not found. */
async function lineOfField(path: string, field: string): Promise<number | undefined> {
  const names = field
    .replace(/\[\d+\]/g, '')
    .split('.')
    .filter((name) => name !== '')
  const lines = (await readFile(path, 'utf8')).split('\n')
  let at = 0
  let found: number | undefined
  for (const name of names) {
    const property = new RegExp(`(^|[\\s{,'"])${name.replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')}['"]?\\s*[:,}(]`)
    const next = lines.findIndex((line, index) => index >= at && property.test(line))
    if (next === -1) break
    at = next
    found = next + 1
  }
  return found
}

async function packageName(root: string): Promise<string | undefined> {
  try {
    const { name } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { name?: unknown }
    return typeof name === 'string' ? name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-+/, '') : undefined
  } catch {
    return undefined
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
