import type { Clock } from '../../engine/ports.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly ring: () => void
}

/** A clock that stands still until it is told. Chance comes from `random`, so that a seed fixes it. */
export class MemoryClock implements Clock {
  readonly #random: () => number
  #nowMs: number
  #order = 0
  #timers: Timer[] = []

  constructor(startMs = Date.UTC(2024, 0, 1), random: () => number = () => 0.5) {
    this.#nowMs = startMs
    this.#random = random
  }

  nowMs(): number {
    return this.#nowMs
  }

  random(): number {
    return this.#random()
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        this.#timers = this.#timers.filter((other) => other !== timer)
        resolve()
      }
      const timer: Timer = { atMs: this.#nowMs + ms, order: this.#order++, ring: wake }
      signal.addEventListener('abort', wake, { once: true })
      this.#timers.push(timer)
    })
  }

  /** True when someone sleeps. */
  get awaited(): boolean {
    return this.#timers.length > 0
  }

  /** Lets `ms` pass, and wakes whoever slept that long. */
  advance(ms: number): void {
    const end = this.#nowMs + ms
    for (;;) {
      const due = this.#timers
        .filter((timer) => timer.atMs <= end)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
      if (due === undefined) break
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.ring()
    }
    this.#nowMs = end
  }

  /** Lets time pass until the next sleeper wakes; false when nobody sleeps. */
  advanceToNext(): boolean {
    const next = this.#timers.reduce((least, timer) => Math.min(least, timer.atMs), Number.POSITIVE_INFINITY)
    if (next === Number.POSITIVE_INFINITY) return false
    this.advance(Math.max(0, next - this.#nowMs))
    return true
  }
}
