import { readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { createJiti } from 'jiti'
import { messageOf } from '../errors.ts'

/** The running program's own modules, by the name declarations import them with: `millrace`, `millrace/operators`, ... */
export type RunningModules = Readonly<Record<string, object>>

export interface Importer {
  /** The exports of a TypeScript or JavaScript module. */
  import(path: string): Promise<Readonly<Record<string, unknown>>>
}

/**
 * Imports a project's modules, TypeScript without a build step. `modules` stand for themselves: without that, a declaration's
 * `millrace` would be resolved from the folder again, and there would be two.
 */
export function moduleImporter(root: string, modules: RunningModules): Importer {
  const jiti = createJiti(join(root, 'millrace.config.ts'), {
    virtualModules: { ...modules },
    interopDefault: false,
    fsCache: join(root, '.millrace', 'cache'),
  })
  // Modules are shared within one reading of the project, and read afresh by the next.
  for (const path of Object.keys(jiti.cache)) {
    if (path.startsWith(root + sep) && !path.includes(`${sep}node_modules${sep}`)) delete jiti.cache[path]
  }
  return { import: (path) => jiti.import<Record<string, unknown>>(path) }
}

/** Where in the project an error comes from: the innermost place in a file of it, or else the module itself. */
export async function whereThrown(
  thrown: unknown,
  root: string,
  module: string,
): Promise<{ readonly file: string; readonly line: number | undefined; readonly reason: string }> {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const inside = (path: string): boolean => path.startsWith(root + sep) && !path.includes(`${sep}node_modules${sep}`)
  const places = [
    ...`${messageOf(thrown)}\n${stack}`.matchAll(/(?:file:\/\/)?(\/[^\s():]+|[A-Za-z]:\\[^\s():]+):(\d+):\d+/g),
  ]
  const place = places.map((match) => ({ path: match[1]!, line: Number(match[2]) })).find(({ path }) => inside(path))
  const missing = /Cannot find (?:module|package) '([^']+)'/.exec(messageOf(thrown))?.[1]
  const path = place?.path ?? module
  const line = missing === undefined ? place?.line : await lineOfImport(path, missing)
  return { file: relative(root, path).split(sep).join('/'), line, reason: firstLine(thrown) }
}

async function lineOfImport(path: string, specifier: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const at = text.split('\n').findIndex((line) => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`))
  return at === -1 ? undefined : at + 1
}

/** The first line of a message, without the loader's own words and machine paths. */
function firstLine(thrown: unknown): string {
  const line = messageOf(thrown)
    .split('\n')[0]!
    .trim()
    .replace(/^ParseError:\s*/, 'syntax error: ')
  return line === '' ? 'it threw an error without a message' : line
}
