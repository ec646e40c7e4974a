import type { LogDecoder, LogEvent, LogHeaders, LogRecord } from '../../contract/log-event.ts'
import type { LogBatch, LogPort, Tenure } from '../../engine/ports.ts'
import { fault } from '../../errors.ts'
import { type Gate, openGate } from './gate.ts'
import { halves } from './source.ts'

/** A record that carries what it means; its bytes say nothing. */
interface Entry extends LogRecord {
  readonly event: LogEvent
}

interface Member {
  readonly name: string
  readonly granted: AbortController[]
  wake: () => void
}

/**
 * A source's log in memory: events at offsets with gaps, of which a part can be cut away, and one owner at a time among the members.
 */
export class MemoryLog {
  readonly #name: string
  readonly #batchMax: () => number
  #entries: Entry[] = []
  #first = 0n
  #next = 0n
  readonly #members: Member[] = []
  #owner: AbortController | null = null
  #waiting: (() => void)[] = []

  constructor(name: string, batchMax: () => number = () => 500) {
    this.#name = name
    this.#batchMax = batchMax
  }

  get range(): { readonly first: bigint; readonly next: bigint } {
    return { first: this.#first, next: this.#next }
  }

  /** Makes events readable, all at once. */
  append(events: readonly LogEvent[]): void {
    for (const event of events) {
      const headers = headersOf(event)
      this.#entries.push({ offset: this.#next, key: null, value: bytes, event, ...(headers && { headers }) })
      this.#next += 1n
    }
    this.#stir()
  }

  /** Offsets that control records took. */
  gap(offsets: number): void {
    this.#next += BigInt(offsets)
    this.#stir()
  }

  /** Retention: forgets what is before `offset`. */
  cut(offset: bigint): void {
    this.#entries = this.#entries.filter((entry) => entry.offset >= offset)
    if (offset > this.#first) this.#first = offset
  }

  /** A log of the same name, made anew. */
  replace(): void {
    this.#entries = []
    this.#first = 0n
    this.#next = 0n
    this.#stir()
  }

  readonly decoder: LogDecoder = {
    prepare: async () => {},
    decode: (record) => (record as Entry).event,
  }

  /** Makes a member the owner, whoever was it before. `late` returns what tells the old one, for a test to call when it likes. */
  grant(name: string | null, late?: (tell: () => void) => void): void {
    const before = this.#owner
    if (before) (late ?? ((tell) => tell()))(() => before.abort())
    this.#owner = null
    const member = this.#members.findLast((candidate) => candidate.name === name)
    if (member === undefined) return
    this.#owner = new AbortController()
    member.granted.push(this.#owner)
    member.wake()
  }

  /** The log as one member meets it. Without `grant`, the first member becomes the owner at once. */
  member(name: string, options: { readonly gate?: Gate; readonly own?: boolean } = {}): LogPort {
    const gate = options.gate ?? openGate
    const log = this
    return {
      async *tenures(_group, signal) {
        const member: Member = { name, granted: [], wake: () => {} }
        log.#members.push(member)
        if (options.own) log.grant(name)
        while (!signal.aborted) {
          const granted = member.granted.shift()
          if (granted === undefined) {
            await log.#until(signal, (wake) => {
              member.wake = wake
            })
          } else if (!granted.signal.aborted) {
            await gate('join', () => {})
            yield log.#tenure(AbortSignal.any([granted.signal, signal]), gate)
          }
        }
      },
    }
  }

  #tenure(signal: AbortSignal, gate: Gate): Tenure {
    let reading = 0
    const log = this
    return {
      signal,
      range: () => gate('range', () => this.range),
      async *read(from) {
        reading += 1
        const mine = reading
        // Whoever read before finds out.
        log.#stir()
        let at = from
        let told: bigint | null = null
        while (!signal.aborted && mine === reading) {
          const fresh = log.#next !== told || at < log.#next
          if (fresh) {
            const batch = await gate('fetch', () => log.#fetch(at))
            if (signal.aborted || mine !== reading) return
            at = batch.nextOffset
            told = batch.endOffset
            yield batch
          } else {
            await log.#until(signal, (wake) => log.#waiting.push(wake))
          }
        }
      },
    }
  }

  #fetch(from: bigint): LogBatch {
    const { first, next } = this.range
    if (from < first || from > next) throw fault('LOG_SHORTER', { log: this.#name, from, first, next })
    const start = this.#indexOf(from)
    const end = Math.min(start + this.#batchMax(), this.#entries.length)
    const records = this.#entries.slice(start, end)
    const nextOffset = end === this.#entries.length ? next : records.at(-1)!.offset + 1n
    return { records, nextOffset, endOffset: next }
  }

  /** Place of the first entry at `offset` or after it. */
  #indexOf(offset: bigint): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #stir(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  async #until(signal: AbortSignal, subscribe: (wake: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      subscribe(wake)
    })
  }
}

function headersOf(event: LogEvent): LogHeaders | undefined {
  const half = halves.get(event)
  return half && { [half === 'first' ? '__debezium.newkey' : '__debezium.oldkey']: bytes }
}

const bytes = Buffer.alloc(100)
