import type { Clock } from './ports.ts'

/** Milliseconds to wait before attempt `attempt + 1`: doubling from `firstMs` to `maxMs`, less up to half by chance. */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, clock: Clock): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.ceil(full * (1 - clock.random() / 2))
}

/** An id nobody else uses: a name with 52 bits of chance behind it. */
export function randomId(name: string, clock: Clock): string {
  return `${name}-${Math.floor(clock.random() * 2 ** 52)
    .toString(16)
    .padStart(13, '0')}`
}
