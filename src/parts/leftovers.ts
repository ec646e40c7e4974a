import { readdirSync, readFileSync } from 'node:fs'
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
  const unknown = marked(folder)
  await Promise.all(unknown.map((process) => end(process, [{ signal: 'SIGINT', waitMs: 10_000 }])))
  return [...remembered.map(({ name }) => name), ...unknown.map(({ pid }) => `process ${pid}`)]
}

function rank(name: string): number {
  const index = order.indexOf(name)
  return index === -1 ? order.length : index
}

/** Running processes with the project's mark; only where the system shows environments (Linux). */
export function marked(folder: string): ProcessIdentity[] {
  let pids: number[]
  try {
    pids = readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
  const mark = `\0${variable}=${folder}\0`
  return pids.flatMap((pid) => {
    try {
      if (!`\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`.includes(mark)) return []
      const identity = identify(pid)
      return identity ? [identity] : []
    } catch {
      return []
    }
  })
}
