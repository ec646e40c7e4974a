import type { Clock, LogBatch } from './ports.ts'

/** Batches of a reading, with the next one on its way while one is worked on. */
export class Pull {
  readonly #iterator: AsyncIterator<LogBatch>
  readonly #clock: Clock
  #ahead: Promise<IteratorResult<LogBatch>> | null = null
  #reject: ((error: unknown) => void) | null = null
  #interrupted: { readonly error: unknown } | null = null

  constructor(batches: AsyncIterable<LogBatch>, clock: Clock) {
    this.#iterator = batches[Symbol.asyncIterator]()
    this.#clock = clock
  }

  /** The next batch; `ended` when the reading is over; `waited` when none came within `waitMs`. */
  async next(waitMs: number | null): Promise<LogBatch | 'ended' | 'waited'> {
    if (this.#interrupted !== null) throw this.#interrupted.error
    const ahead = this.#ahead ?? this.#fetch()
    const timer = new AbortController()
    try {
      const result = await new Promise<IteratorResult<LogBatch> | 'waited'>((resolve, reject) => {
        this.#reject = reject
        ahead.then(resolve, reject)
        if (waitMs !== null) this.#clock.sleep(waitMs, timer.signal).then(() => resolve('waited'), reject)
      })
      if (result === 'waited') return 'waited'
      this.#ahead = null
      if (result.done) return 'ended'
      this.#fetch()
      return result.value
    } finally {
      this.#reject = null
      timer.abort()
    }
  }

  /** Makes the `next` under way reject, or the one to come. */
  interrupt(error: unknown): void {
    this.#interrupted = { error }
    this.#reject?.(error)
  }

  /** Ends the reading; what is still on its way is dropped. */
  close(): void {
    this.#iterator.return?.().catch(() => {})
  }

  #fetch(): Promise<IteratorResult<LogBatch>> {
    const ahead = this.#iterator.next()
    ahead.catch(() => {})
    this.#ahead = ahead
    return ahead
  }
}
