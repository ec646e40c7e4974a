import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { endLeftovers } from './leftovers.ts'
import { lockHolder, lockProject } from './lock.ts'
import { end } from './process-identity.ts'
import { keepRecord } from './state-file.ts'

/** An `up` that was asked to end is given this long for its parts and workers. */
const ownerWaitMs = 90_000

export interface StoppedParts {
  /** Pid of the process that ran the parts and was asked to end; absent when it was gone already. */
  readonly owner?: number
  /** Parts that had to be ended without it. */
  readonly leftovers: readonly string[]
}

/**
 * Ends all parts of a project, whoever runs them and also if that process was killed, and is back when they are gone. Nothing that is
 * not the project's is touched. Stopping a project that is not running does nothing.
 */
export async function stopParts(project: string): Promise<StoppedParts> {
  if (!existsSync(join(project, '.millrace'))) return { leftovers: [] }
  const folder = realpathSync(project)
  const owner = lockHolder(folder)
  if (owner && owner.pid !== process.pid) await end(owner, [{ signal: 'SIGTERM', waitMs: ownerWaitMs }])
  // Held while leftovers are ended, so that nobody starts between them.
  const lock = lockProject(folder)
  try {
    const record = keepRecord(folder)
    const leftovers = await endLeftovers(folder, record.current())
    record.end()
    return { ...(owner ? { owner: owner.pid } : {}), leftovers }
  } finally {
    lock.release()
  }
}
