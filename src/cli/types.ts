import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import pc from 'picocolors'
import { readContracts } from '../adapters/postgres/contracts.ts'
import { contractFile, contractPath } from '../contract/avsc.ts'
import { compareContracts } from '../contract/compare.ts'
import { typescriptModule } from '../contract/typescript.ts'
import type { PostgresSource } from '../declare/postgres-source.ts'
import { type ErrorReport, fault } from '../errors.ts'
import { type Declared, locate, type Project } from '../project/index.ts'
import { act } from './action.ts'
import { exit } from './exit.ts'
import { errorLines } from './output.ts'
import { addressesOf, connectionTo, openProject } from './wiring.ts'

interface TypesOptions {
  readonly check?: boolean
}

/** `millrace types`: contracts and typed handles of the captured tables, from the live databases. */
export function typesCommand(): Command {
  const command = new Command('types')
    .summary('write contracts and TypeScript from the live databases')
    .description(
      'Reads the captured tables of every source and writes schemas/<source>/*.avsc and schemas/<source>.ts. The same database gives the same files; commit them.',
    )
    .argument('[source...]', 'sources to read; all when left out')
    .option('--check', 'write nothing; exit with 1 when a file would change')
  return act<TypesOptions>(command, async ({ folder, out }, { check }, names) => {
    const project = await openProject(folder)
    const known = project.sources.map(({ name }) => name)
    for (const name of names) {
      if (!known.includes(name)) throw fault('SOURCE_UNDECLARED', { name, known: known.join(', ') || 'none' })
    }
    const own = project.problems.filter(({ file }) => project.sources.length === 0 || file?.startsWith('connectors/'))
    for (const one of own) process.stderr.write(`${errorLines(one)}\n`)
    if (own.length > 0) return exit.failed
    const problems: ErrorReport[] = []
    const changed: string[] = []
    for (const source of project.sources.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const files = await filesOf(source, project, problems, (text) => out.line(text))
      for (const [path, text] of files) {
        if ((await readText(join(folder, path))) === text) continue
        changed.push(path)
        if (check === true) continue
        if (text === null) await rm(join(folder, path), { force: true })
        else await write(join(folder, path), text)
      }
    }
    for (const one of problems) process.stderr.write(`${errorLines(one)}\n`)
    for (const path of changed) out.line(`${pc.yellow(check === true ? 'would change' : 'wrote')} ${path}`)
    if (changed.length === 0 && problems.length === 0) out.line('Contracts and types are as the databases are.')
    out.result({ changed, problems })
    return problems.length > 0 || (check === true && changed.length > 0) ? exit.failed : exit.done
  })
}

/** What the files of one source should hold; null for a file that should not be. Empty when the source has problems. */
async function filesOf(
  source: Declared<PostgresSource>,
  project: Project,
  problems: ErrorReport[],
  say: (text: string) => void,
): Promise<ReadonlyMap<string, string | null>> {
  const { name, declaration } = source
  const addresses = addressesOf(project)
  const at = locate(declaration, (database) => addresses.databases[database])
  if (at === undefined) {
    const known = Object.keys(addresses.databases).join(', ')
    throw fault('DATABASE_UNKNOWN', { file: source.file, field: 'database', name: declaration.database ?? '', known })
  }
  const reading = await readContracts(connectionTo(project.folder, at), name, declaration.tables)
  for (const note of reading.notes) say(`${pc.dim('note')} ${note}`)
  problems.push(...reading.problems.map((error) => error.toJSON()))
  if (reading.problems.length > 0) return new Map()
  const before = [...(project.contracts.get(name)?.values() ?? [])]
  for (const { text } of before.length > 0 ? compareContracts(before, reading.contracts) : [])
    say(`${pc.yellow('changed')} ${text}`)
  const files = new Map<string, string | null>()
  for (const old of await avscFiles(project.folder, name)) files.set(old, null)
  for (const contract of reading.contracts) files.set(contractPath(contract), contractFile(contract))
  files.set(`schemas/${name}.ts`, typescriptModule(name, reading.contracts))
  // Made once: a new token would make every unchanged value in the log a value.
  if (!project.placeholders.has(name)) {
    files.set(
      `schemas/${name}/source.json`,
      `${JSON.stringify({ unchanged: randomBytes(16).toString('hex') }, null, 2)}\n`,
    )
  }
  return files
}

async function avscFiles(folder: string, source: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'schemas', source)).catch(() => [])
  return names.filter((name) => name.endsWith('.avsc')).map((name) => `schemas/${source}/${name}`)
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
