import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fault } from '../errors.ts'

/** One process, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in a form only good for comparing: clock ticks since boot with the boot's id, or the text of `ps`. */
  readonly started: string
}

/** The identity of a running process, or undefined when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedByProc(pid) : startedByPs(pid)
  return started === undefined ? undefined : { pid, started }
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const own = identify(process.pid)
  if (own === undefined) throw fault('DEFECT', { what: 'this process does not see itself in the process table' })
  return own
}

/** True while exactly this process runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started
}

/** One rung of a ladder of signals: send it, then wait so long before the next. */
export interface StopSignal {
  readonly signal: NodeJS.Signals
  readonly waitMs: number
}

/**
 * Ends one process, gently first, and is back when it is gone. A pid that now belongs to another process is left alone.
 *
 * @returns the last signal that was needed, or undefined when the process was gone already
 */
export async function end(
  identity: ProcessIdentity,
  ladder: readonly StopSignal[],
): Promise<NodeJS.Signals | undefined> {
  let last: NodeJS.Signals | undefined
  for (const { signal, waitMs } of [...ladder, { signal: 'SIGKILL', waitMs: 10_000 } as const]) {
    if (!isRunning(identity)) return last
    try {
      process.kill(identity.pid, signal)
      last = signal
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return last
      throw thrown
    }
    const deadline = Date.now() + waitMs
    while (Date.now() < deadline) {
      if (!isRunning(identity)) return last
      await sleep(25)
    }
  }
  return last
}

function startedByProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command is in parentheses and may itself hold any character; the fields after the last one are safe to split.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return `${bootId()}:${fields[19]}`
  } catch {
    return undefined
  }
}

let boot: string | undefined

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return boot
}

function startedByPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    if (text === '' || text.startsWith('Z')) return undefined
    return text.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
