import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** The classes one JVM loads, archived by itself when it first ends cleanly (class-data sharing): later starts take half the time. */
export interface ClassArchive {
  /** Options of the next start: use the archive, or make it. */
  options(): string[]
  /** After that start has ended: keeps what it made, or, when it did not end cleanly, forgets it. */
  settle(clean: boolean): void
}

/** Drafts this old belong to nobody. */
const abandonedMs = 24 * 3_600_000

/**
 * The archive of one program in the shared cache.
 *
 * @param file where it is kept; its name says which classes, since a JVM only warns of an archive that is not its own
 */
export function classArchive(file: string): ClassArchive {
  let draft: string | undefined
  return {
    options() {
      draft = undefined
      if (existsSync(file))
        return [`-XX:SharedArchiveFile=${file}`, '-Xshare:auto', '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
      mkdirSync(dirname(file), { recursive: true })
      removeAbandoned(file)
      draft = `${file}.draft-${process.pid}-${Date.now()}`
      return [`-XX:ArchiveClassesAtExit=${draft}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
    },
    settle(clean) {
      if (draft === undefined || !existsSync(draft)) return
      if (clean) renameSync(draft, file)
      else rmSync(draft, { force: true })
    },
  }
}

function removeAbandoned(file: string): void {
  const folder = dirname(file)
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(file)}.draft-`)) continue
    const draft = join(folder, name)
    if (Date.now() - statSync(draft).mtimeMs > abandonedMs) rmSync(draft, { force: true })
  }
}
