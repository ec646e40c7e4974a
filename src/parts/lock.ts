import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fault } from '../errors.ts'
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** Held while one process runs the parts of a project. */
export interface ProjectLock {
  release(): void
}

export function lockFile(folder: string): string {
  return join(folder, '.millrace', 'parts.lock')
}

/**
 * Takes the project's lock, or throws `PROJECT_LOCKED` naming the process that has it. The lock of a process that is gone is taken
 * over, also when its pid now belongs to another one.
 */
export function lockProject(folder: string): ProjectLock {
  mkdirSync(join(folder, '.millrace'), { recursive: true })
  const file = lockFile(folder)
  const own = ownIdentity()
  const draft = `${file}.${own.pid}`
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 })
  try {
    // A lock appears with its content in one step, since a link is refused where a file is.
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        linkSync(draft, file)
        return { release: () => release(file, own) }
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
      }
      const holder = holderOf(file)
      if (holder && isRunning(holder)) throw fault('PROJECT_LOCKED', { folder, pid: holder.pid })
      removeStale(file, holder, `${draft}.stale`)
    }
    throw fault('PROJECT_LOCKED', { folder, pid: holderOf(file)?.pid ?? 'unknown' })
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Who holds the project's lock and is alive. */
export function lockHolder(folder: string): ProcessIdentity | undefined {
  const holder = holderOf(lockFile(folder))
  return holder && isRunning(holder) ? holder : undefined
}

function holderOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}

/** Moves a stale lock away. Should someone have replaced it by a live one in between, that one is put back. */
function removeStale(file: string, stale: ProcessIdentity | undefined, aside: string): void {
  try {
    renameSync(file, aside)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return
    throw thrown
  }
  const moved = holderOf(aside)
  if (moved && (moved.pid !== stale?.pid || moved.started !== stale.started) && isRunning(moved)) {
    try {
      linkSync(aside, file)
    } catch {
      // A third took the lock meanwhile; the one moved away finds out when it looks at its lock.
    }
  }
  rmSync(aside, { force: true })
}

function release(file: string, own: ProcessIdentity): void {
  const holder = holderOf(file)
  if (holder?.pid === own.pid && holder.started === own.started) rmSync(file, { force: true })
}
