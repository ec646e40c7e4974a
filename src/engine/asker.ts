import { backoffMs } from './backoff.ts'
import type { SyncBounds } from './bounds.ts'
import type { Clock, LoadSignals, LoadState } from './ports.ts'

/**
 * Asks the source for a snapshot until it starts. A signal can be lost (the connector was away) or swallowed by a snapshot that
 * already runs, so it is sent again after a while; twice does no harm.
 */
export class Asker {
  readonly #signals: LoadSignals
  readonly #clock: Clock
  readonly #bounds: SyncBounds
  readonly #failed: (error: unknown) => void
  readonly #asked: () => void
  #stop = new AbortController()
  #wake = new AbortController()
  #asking: string | null = null
  #heardMs = 0

  /** `asked` is told when a signal was sent, `failed` when one could not be; the asking ends with that. */
  constructor(
    signals: LoadSignals,
    clock: Clock,
    bounds: SyncBounds,
    asked: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#signals = signals
    this.#clock = clock
    this.#bounds = bounds
    this.#asked = asked
    this.#failed = failed
  }

  /** Asks for this load's snapshot, and stops asking for another; nothing for a load that waits for no signal. */
  follow(load: LoadState | null): void {
    const wanted = load !== null && load.from === 'signal' && load.phase === 'awaiting' ? load : null
    if (this.#asking === (wanted?.id ?? null)) return
    this.stop()
    if (wanted === null) return
    this.#asking = wanted.id
    this.#stop = new AbortController()
    this.#ask(wanted, this.#stop.signal).catch(this.#failed)
  }

  /** The signal was perhaps swallowed: send it again soon. */
  nudge(): void {
    this.#wake.abort()
  }

  /** A snapshot is under way, which may be what was asked for: the time to ask again counts from now. */
  postpone(): void {
    this.#heardMs = this.#clock.nowMs()
  }

  stop(): void {
    this.#asking = null
    this.#stop.abort()
    this.#wake.abort()
  }

  async #ask(load: LoadState, stop: AbortSignal): Promise<void> {
    const { signalRetryMs, retryMs, retryMsMax } = this.#bounds
    for (let attempt = 1; !stop.aborted; attempt++) {
      await this.#signals.request({ id: load.id, tables: load.tables })
      if (stop.aborted) return
      this.#asked()
      this.postpone()
      const patienceMs = signalRetryMs * Math.min(attempt, 10)
      const wake = new AbortController()
      this.#wake = wake
      for (;;) {
        const leftMs = this.#heardMs + patienceMs - this.#clock.nowMs()
        if (leftMs <= 0 || wake.signal.aborted) break
        await this.#clock.sleep(leftMs, wake.signal)
      }
      if (wake.signal.aborted) await this.#clock.sleep(backoffMs(attempt, retryMs, retryMsMax, this.#clock), stop)
    }
  }
}
