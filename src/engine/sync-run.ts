import type { LogDecoder } from '../contract/log-event.ts'
import { fault, isMillraceError, type MillraceError, messageOf } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import { defaultBounds, type SyncBounds } from './bounds.ts'
import { type Careful, isDataError } from './careful.ts'
import type { SyncMapping } from './mapping.ts'
import type { SyncObserver, SyncReport } from './observe.ts'
import type { Clock, LoadSignals, LogPort, SyncSink, Tenure } from './ports.ts'
import { Session } from './session.ts'
import { type SyncState, step } from './state.ts'

export interface SyncRun {
  readonly sync: SyncMapping
  readonly log: LogPort
  readonly decoder: LogDecoder
  readonly sink: SyncSink
  readonly signals: LoadSignals
  readonly clock: Clock
  readonly observe: SyncObserver
  /** Aborting drains: what is whole is committed, the rest rolled back. */
  readonly signal: AbortSignal
  readonly bounds?: Partial<SyncBounds>
}

/**
 * Keeps one sync running in this worker until `signal` aborts; never rejects. Stands by while another member owns the sync. What goes
 * wrong is told to `observe` and tried again, with growing pauses. Closes nothing that it was given.
 */
export async function runSync(run: SyncRun): Promise<void> {
  await new SyncRunner(run).run()
}

class SyncRunner {
  readonly #run: SyncRun
  readonly #bounds: SyncBounds
  readonly #careful: Careful = { until: null, found: false }
  #state: SyncState = 'standby'
  /** Errors in a row, without progress between them. */
  #attempt = 0

  constructor(run: SyncRun) {
    this.#run = run
    this.#bounds = { ...defaultBounds, ...run.bounds }
  }

  async run(): Promise<void> {
    const { log, sync, signal } = this.#run
    while (!signal.aborted) {
      try {
        for await (const tenure of log.tenures(sync.name, signal)) await this.#serve(tenure)
        if (signal.aborted) break
        throw fault('ENGINE_UNEXPECTED', { sync: sync.name, reason: 'the membership ended by itself' })
      } catch (error) {
        await this.#pause(error, signal)
      }
    }
    this.#goTo('standby', null)
  }

  async #serve(tenure: Tenure): Promise<void> {
    const { sync, decoder, sink, signals, clock } = this.#run
    while (!tenure.signal.aborted) {
      const session = new Session({
        sync,
        tenure,
        decoder,
        sink,
        signals,
        clock,
        bounds: this.#bounds,
        careful: this.#careful,
        report: (event) => this.#report(event),
        stands: (standing, progress) => {
          if (progress) this.#attempt = 0
          // A trouble is over when something was done, not when it is tried again.
          else if (this.#state === 'stopped' || this.#state === 'failed') return
          this.#goTo(standing, null)
        },
      })
      try {
        await session.run()
      } catch (error) {
        if (isDataError(error) && !this.#careful.found) {
          this.#report({
            kind: 'note',
            text: `one transaction at a time up to offset ${this.#careful.until}: ${messageOf(error)}`,
          })
          continue
        }
        await this.#pause(error, tenure.signal)
      }
    }
    this.#goTo('standby', null)
  }

  /** Says what went wrong and waits; at once over when `signal` aborts. */
  async #pause(thrown: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { sync, clock } = this.#run
    const error: MillraceError = isMillraceError(thrown)
      ? thrown
      : fault('ENGINE_UNEXPECTED', { sync: sync.name, reason: messageOf(thrown) }, thrown)
    this.#attempt++
    const retryInMs = backoffMs(this.#attempt, this.#bounds.retryMs, this.#bounds.retryMsMax, clock)
    if (error.code === 'FENCED') this.#goTo('standby', null)
    else this.#goTo(error.retriable ? 'failed' : 'stopped', error)
    this.#report({ kind: 'error', error, attempt: this.#attempt, retryInMs })
    await clock.sleep(retryInMs, signal)
  }

  #goTo(to: SyncState, error: MillraceError | null): void {
    const from = this.#state
    this.#state = step(from, to)
    if (from !== to || error !== null) this.#report({ kind: 'state', from, to, error })
  }

  #report(event: SyncReport): void {
    try {
      this.#run.observe({ ...event, sync: this.#run.sync.name, atMs: this.#run.clock.nowMs() })
    } catch {
      // Watching never changes what is watched.
    }
  }
}
