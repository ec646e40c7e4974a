import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { end, identify, isRunning, type ProcessIdentity, type StopSignal } from './process-identity.ts'
import type { PartsRecord } from './state-file.ts'

const variable = 'MILLRACE_PARTS_OF'

/** What marks the processes of a project in their environment, so that they are found even if nobody remembers them. */
export function markOf(folder: string): Readonly<Record<string, string>> {
  return { [variable]: folder }
}

/** Signals that end a part nobody supervises, and how many seconds each is given. */
const ladders: Readonly<Record<'postgres' | 'other', readonly StopSignal[]>> = {
  postgres: [
    { signal: 'SIGINT', waitMs: 20_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
  ],
  other: [{ signal: 'SIGTERM', waitMs: 35_000 }],
}

const order = ['worker', 'connect', 'registry', 'kafka']

/**
 * Ends what earlier runs of the project left: processes remembered with pid and start, then any that carry its mark. Others, also
 * those that now have a remembered pid, are not touched.
 *
 * @returns names of the parts that were still running
 */
export async function endLeftovers(folder: string, state: PartsRecord): Promise<string[]> {
  const remembered = Object.entries(state.parts)
    .flatMap(([name, part]) => (part?.process && isRunning(part.process) ? [{ name, process: part.process }] : []))
    .sort((a, b) => rank(a.name) - rank(b.name))
  for (const { name, process } of remembered) {
    await end(process, ladders[name.startsWith('postgres:') ? 'postgres' : 'other'])
  }
  const unknown = unremembered(folder)
  await Promise.all(unknown.map((process) => end(process, [{ signal: 'SIGINT', waitMs: 10_000 }])))
  return [...remembered.map(({ name }) => name), ...unknown.map(({ pid }) => `process ${pid}`)]
}

function rank(name: string): number {
  const index = order.indexOf(name)
  return index === -1 ? order.length : index
}

/**
 * Running processes of the project that nobody remembers: with its mark in their environment, or, since Postgres overwrites its
 * own, standing in one of its folders. Only where the system shows both (Linux).
 */
export function unremembered(folder: string): ProcessIdentity[] {
  let pids: number[]
  try {
    pids = readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
  const mark = `\0${variable}=${folder}\0`
  const servers = serverFolders(folder)
  return pids.flatMap((pid) => {
    if (!isMarked(pid, mark) && !standsIn(pid, servers)) return []
    return identify(pid) ?? []
  })
}

function isMarked(pid: number, mark: string): boolean {
  try {
    return Buffer.concat([Buffer.alloc(1), readFileSync(`/proc/${pid}/environ`)]).includes(mark)
  } catch {
    return false
  }
}

function standsIn(pid: number, folders: readonly string[]): boolean {
  try {
    return folders.includes(readlinkSync(`/proc/${pid}/cwd`))
  } catch {
    return false
  }
}

/** Data folders of the project's Postgres servers, links followed. */
function serverFolders(folder: string): string[] {
  const parent = join(folder, '.millrace', 'postgres')
  try {
    return readdirSync(parent).flatMap((name) => {
      const data = join(parent, name, 'data')
      return existsSync(data) ? [realpathSync(data)] : []
    })
  } catch {
    return []
  }
}
