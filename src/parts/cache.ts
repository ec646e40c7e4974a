import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OnPartsEvent } from './events.ts'
import { runMaven } from './maven.ts'
import { identify, isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** What Maven fetches, in the order it is needed; each has a pom of its own in `infra/parts`, which pins it. */
export const archives = ['kafka', 'registry', 'debezium', 'converter'] as const
export type Archive = (typeof archives)[number]

/** About how much the first download of each is, in MB, for the progress line. */
const sizesMb: Readonly<Record<Archive, number>> = { kafka: 75, registry: 120, debezium: 6, converter: 15 }

/** Hundreds of small files make no progress worth a line each. */
const progressEveryMs = 1_000

/** Where fetched parts are kept for all projects: `$MILLRACE_CACHE`, `$XDG_CACHE_HOME/millrace` or `~/.cache/millrace`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.MILLRACE_CACHE) return env.MILLRACE_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')
}

/** The pinned coordinates, shipped with the package. */
export function pomPath(archive: Archive): string {
  return fileURLToPath(new URL(`../../infra/parts/${archive}/pom.xml`, import.meta.url))
}

/** The folder of one archive: its name ends in the hash of its pom and what lies beside it, so that another pin is another folder. */
export async function archiveFolder(archive: Archive, cache: string): Promise<string> {
  const pins = dirname(pomPath(archive))
  const entries = await readdir(pins, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of files.sort())
    hash
      .update(relative(pins, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0')
  return join(cache, 'parts', `${archive}-${hash.digest('hex').slice(0, 16)}`)
}

export interface FetchProgress {
  readonly archive: Archive
  readonly downloadedMb: number
  /** About; the download may end a little below or above. */
  readonly totalMb: number
}

/**
 * The folder with an archive's files, fetched when the cache lacks it. A folder appears whole or not at all, also when this is
 * interrupted or two do it at once.
 */
export async function fetchArchive(
  archive: Archive,
  options: {
    readonly cache: string
    readonly onProgress?: (progress: FetchProgress) => void
    readonly signal?: AbortSignal | undefined
    readonly env?: Readonly<Record<string, string>>
  },
): Promise<string> {
  const folder = await archiveFolder(archive, options.cache)
  if (existsSync(folder)) return folder
  await mkdir(join(options.cache, 'parts'), { recursive: true })
  await removeAbandoned(join(options.cache, 'parts'))
  const draft = join(options.cache, 'parts', `.draft-${archive}-${randomBytes(6).toString('hex')}`)
  await mkdir(draft)
  try {
    await writeFile(join(draft, ownerFile), JSON.stringify(ownIdentity()))
    await runMaven({
      pom: pomPath(archive),
      output: join(draft, 'files'),
      archive,
      signal: options.signal,
      env: options.env ?? {},
      onDownloaded: (megabytes) =>
        options.onProgress?.({ archive, downloadedMb: megabytes, totalMb: sizesMb[archive] }),
    })
    await rm(join(draft, 'files', '.maven'), { recursive: true, force: true })
    await rename(join(draft, 'files'), folder).catch((thrown: NodeJS.ErrnoException) => {
      // Someone else was quicker: theirs is as good.
      if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown
    })
    return folder
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** True when the cache has an archive. */
export async function isFetched(archive: Archive, cache: string): Promise<boolean> {
  return existsSync(await archiveFolder(archive, cache))
}

/**
 * Fetches what is missing of these archives, one after the other, since Maven's own cache is not made for two at once. Each archive
 * has its promise, so that a part may start while others are still on their way.
 */
export function fetchInTurn(
  wanted: readonly Archive[],
  options: {
    readonly cache: string
    readonly onEvent: OnPartsEvent
    readonly signal: AbortSignal
    readonly env: Readonly<Record<string, string>>
  },
): ReadonlyMap<Archive, Promise<void>> {
  const promises = new Map<Archive, Promise<void>>()
  let last = Promise.resolve()
  for (const archive of wanted) {
    last = last.then(async () => {
      if (await isFetched(archive, options.cache)) return
      const started = Date.now()
      let saidAt = 0
      const onProgress = ({ downloadedMb, ...rest }: FetchProgress) => {
        if (Date.now() - saidAt < progressEveryMs) return
        saidAt = Date.now()
        options.onEvent({ kind: 'fetching', downloadedMb: Math.round(downloadedMb * 10) / 10, ...rest })
      }
      onProgress({ archive, downloadedMb: 0, totalMb: sizesMb[archive] })
      await fetchArchive(archive, { ...options, onProgress })
      options.onEvent({ kind: 'fetched', archive, seconds: (Date.now() - started) / 1000 })
    })
    // Whoever needs the archive meets the failure; until then it must not count as unhandled.
    last.catch(() => undefined)
    promises.set(archive, last)
  }
  return promises
}

const ownerFile = 'owner.json'

/** Removes what interrupted fetches left behind; one that is still under way is left alone. */
async function removeAbandoned(parts: string): Promise<void> {
  for (const name of await readdir(parts)) {
    if (!name.startsWith('.draft-')) continue
    let owner: ProcessIdentity | undefined
    try {
      owner = JSON.parse(await readFile(join(parts, name, ownerFile), 'utf8')) as ProcessIdentity
    } catch {
      continue
    }
    if (identify(owner.pid) !== undefined && isRunning(owner)) continue
    await rm(join(parts, name), { recursive: true, force: true })
  }
}
