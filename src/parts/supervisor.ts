import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fault, isMillraceError, type MillraceError, messageOf } from '../errors.ts'
import type { OnPartsEvent } from './events.ts'
import { markOf } from './leftovers.ts'
import { lastLines, logSize, openLog, rotateLog } from './log-file.ts'
import type { Part } from './part.ts'
import { isFree } from './ports.ts'
import { end, identify, isRunning, type ProcessIdentity } from './process-identity.ts'

/** Where a supervised part is. Ends in `stopped`; `dead` is between two attempts. */
export type PartState = 'idle' | 'starting' | 'ready' | 'dead' | 'stopping' | 'stopped'

export interface SupervisorOptions {
  readonly log: string
  /** The project, marked in the process's environment so that its processes can be found again. */
  readonly project: string
  readonly onEvent: OnPartsEvent
  /** Called at each change of state, before anything else happens: what must be remembered to end the process later. */
  readonly onState: (state: PartState, process: ProcessIdentity | undefined, restarts: number) => void
}

const backOffMs = { first: 250, last: 30_000 }
/** A part that ran this long starts anew with the shortest pause. */
const steadyMs = 60_000
const rotateEveryMs = 5_000

/** Runs one part: starts it, asks until it is ready, starts it again when it dies, and ends it. */
export class Supervisor {
  readonly part: Part
  readonly #options: SupervisorOptions
  readonly #ended = new AbortController()
  #state: PartState = 'idle'
  #identity: ProcessIdentity | undefined
  #restarts = 0
  #watching: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #rotation: NodeJS.Timeout | undefined
  /** Where the log stood when the process was started: what follows are its own words. */
  #logFrom = 0

  constructor(part: Part, options: SupervisorOptions) {
    this.part = part
    this.#options = options
  }

  get state(): PartState {
    return this.#state
  }

  get process(): ProcessIdentity | undefined {
    return this.#identity
  }

  /** Resolves when the part is ready; from then on it is kept running. Rejects when the first attempt fails, leaving nothing. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const started = Date.now()
    this.#rotation = setInterval(() => rotateLog(this.#options.log), rotateEveryMs)
    this.#rotation.unref()
    this.#options.onEvent({ kind: 'starting', part: this.part.name })
    const attempt = this.#attempt(AbortSignal.any([signal, this.#ended.signal]))
    this.#watching = attempt.then(
      () => undefined,
      () => clearInterval(this.#rotation),
    )
    const { exited } = await attempt
    this.#options.onEvent({
      kind: 'ready',
      part: this.part.name,
      address: this.part.address,
      pid: this.#identity!.pid,
      seconds: (Date.now() - started) / 1000,
    })
    this.#watching = this.#watch(exited)
  }

  /** Ends the part for good, also one that is still starting. Whoever calls it again waits for the same end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const started = Date.now()
    const identity = this.#identity
    this.#ended.abort()
    clearInterval(this.#rotation)
    if (this.#state === 'idle' || (identity === undefined && this.#state === 'dead')) {
      await this.#watching
      this.#enter('stopped')
      return
    }
    this.#options.onEvent({ kind: 'stopping', part: this.part.name })
    this.#enter('stopping')
    const last = identity ? await end(identity, this.part.stopSignals) : undefined
    await this.#watching
    // An attempt that was under way ends its own process; this is for one that could not.
    const left = this.#identity ?? identity
    if (left && isRunning(left)) await end(left, this.part.stopSignals)
    if (left && isRunning(left)) throw fault('PART_STUCK', { part: this.part.name, pid: left.pid })
    this.#identity = undefined
    this.part.ended?.(last === this.part.stopSignals[0]?.signal)
    this.#enter('stopped')
    this.#options.onEvent({
      kind: 'stopped',
      part: this.part.name,
      seconds: (Date.now() - started) / 1000,
      killed: last === 'SIGKILL',
    })
  }

  /** Sends a signal to the process: for tests and demonstrations of recovery. */
  kill(signal: NodeJS.Signals): void {
    if (this.#identity && isRunning(this.#identity)) process.kill(this.#identity.pid, signal)
  }

  async #watch(firstExit: Promise<string>): Promise<void> {
    let exited = firstExit
    let readyAt = Date.now()
    let pauseMs = backOffMs.first
    for (;;) {
      const how = await exited
      if (this.#ended.signal.aborted) return
      this.part.ended?.(false)
      const diedAt = Date.now()
      if (diedAt - readyAt > steadyMs) pauseMs = backOffMs.first
      let error = this.#exitError(how)
      for (;;) {
        this.#enter('dead')
        this.#options.onEvent({ kind: 'died', part: this.part.name, error, restartInMs: pauseMs })
        await sleep(pauseMs, undefined, { signal: this.#ended.signal }).catch(() => undefined)
        if (this.#ended.signal.aborted) return
        pauseMs = Math.min(pauseMs * 2, backOffMs.last)
        this.#restarts += 1
        const attemptedAt = Date.now()
        try {
          exited = (await this.#attempt(this.#ended.signal)).exited
          break
        } catch (thrown) {
          if (this.#ended.signal.aborted) return
          error = isMillraceError(thrown) ? thrown : this.#notReady(attemptedAt, messageOf(thrown))
        }
      }
      readyAt = Date.now()
      const seconds = (readyAt - diedAt) / 1000
      this.#options.onEvent({ kind: 'recovered', part: this.part.name, pid: this.#identity!.pid, seconds })
    }
  }

  /** One start up to readiness. `exited` tells how the process ended, once it has. Leaves no process when it rejects. */
  async #attempt(signal: AbortSignal): Promise<{ readonly exited: Promise<string> }> {
    const { part } = this
    signal.throwIfAborted()
    await part.prepare({ signal, env: markOf(this.#options.project) })
    signal.throwIfAborted()
    if (!(await isFree(part.port))) throw fault('PORT_BUSY', { port: part.port, part: part.name })
    this.#logFrom = logSize(this.#options.log)
    const started = Date.now()
    const child = this.#spawn()
    let ended: string | undefined
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, name) => resolve(name ?? `exit code ${code}`))
    }).then((how) => {
      ended = how
      return how
    })
    try {
      if (child.pid === undefined) throw fault('PART_TOOL_FAILED', { what: `start ${part.name}`, reason: await exited })
      this.#identity = identify(child.pid)
      this.#enter('starting')
      await this.#untilReady(signal, started, () => ended)
      await part.settle?.(signal)
      signal.throwIfAborted()
      this.#enter('ready')
      return { exited }
    } catch (thrown) {
      if (this.#identity) await end(this.#identity, part.stopSignals)
      this.#identity = undefined
      this.#enter('dead')
      throw thrown
    }
  }

  async #untilReady(signal: AbortSignal, started: number, ended: () => string | undefined): Promise<void> {
    const deadline = started + this.part.readyWithinMs
    let reason = 'it did not answer'
    let pauseMs = 50
    for (;;) {
      signal.throwIfAborted()
      const how = ended()
      if (how !== undefined) throw this.#exitError(how)
      try {
        await this.part.probe(signal)
        return
      } catch (thrown) {
        reason = messageOf(thrown)
      }
      if (Date.now() > deadline) throw this.#notReady(started, reason)
      await sleep(pauseMs)
      pauseMs = Math.min(pauseMs * 1.5, 250)
    }
  }

  #spawn(): ChildProcess {
    const command = this.part.command()
    const log = openLog(this.#options.log)
    try {
      return spawn(command.file, command.args, {
        stdio: ['ignore', log, log],
        // A group of its own: an interrupt in the terminal must reach us alone, so that parts end in their order.
        detached: true,
        env: { ...process.env, ...command.env, ...markOf(this.#options.project) },
        ...(command.cwd ? { cwd: command.cwd } : {}),
        ...(command.account ? { uid: command.account.uid, gid: command.account.gid } : {}),
      })
    } finally {
      closeSync(log)
    }
  }

  #enter(state: PartState): void {
    // Once stopping, an attempt that is still winding down no longer decides; only its process must be known.
    if (this.#state === 'stopped') return
    if (this.#state === 'stopping' && state !== 'stopped') {
      this.#options.onState(this.#state, this.#identity, this.#restarts)
      return
    }
    this.#state = state
    this.#options.onState(state, this.#identity, this.#restarts)
  }

  #exitError(how: string): MillraceError {
    return this.#diskFull() ?? fault('PART_EXITED', { part: this.part.name, how, ...this.#lastWords() })
  }

  #notReady(started: number, reason: string): MillraceError {
    const seconds = Math.round((Date.now() - started) / 1000)
    return this.#diskFull() ?? fault('PART_NOT_READY', { part: this.part.name, seconds, reason, ...this.#lastWords() })
  }

  #lastWords(): { readonly log: string; readonly lines: string } {
    const { log } = this.#options
    return { log, lines: lastLines(log, 12, this.#logFrom).join('\n') }
  }

  #diskFull(): MillraceError | undefined {
    const { log, project } = this.#options
    if (!lastLines(log, 200, this.#logFrom).some(saysDiskFull)) return undefined
    return fault('DISK_FULL', { part: this.part.name, folder: project })
  }
}

function saysDiskFull(line: string): boolean {
  return /No space left on device|ENOSPC|Disk quota exceeded/.test(line)
}
