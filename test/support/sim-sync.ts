import { MemoryCapture } from '../../src/adapters/memory/capture.ts'
import { MemoryClock } from '../../src/adapters/memory/clock.ts'
import { MemoryLog } from '../../src/adapters/memory/log.ts'
import { MemorySink, type MemorySinkOptions } from '../../src/adapters/memory/sink.ts'
import { MemorySource, type RowChange } from '../../src/adapters/memory/source.ts'
import type { ColumnValue } from '../../src/contract/values.ts'
import type { AnySync } from '../../src/declare/sync.ts'
import type { SyncBounds } from '../../src/engine/bounds.ts'
import { mapSync } from '../../src/engine/mapping.ts'
import type { SyncEvent } from '../../src/engine/observe.ts'
import { runSync } from '../../src/engine/sync-run.ts'
import { simTables } from './sim-tables.ts'
import { settle } from './sim-world.ts'

/** One worker, its source, log and sink, for tests that say step by step what happens. */
export class SimSync {
  readonly source = new MemorySource(simTables)
  readonly clock = new MemoryClock()
  readonly log = new MemoryLog('shop.log')
  readonly capture = new MemoryCapture(this.source, this.log, this.clock)
  readonly sink: MemorySink
  readonly events: SyncEvent[] = []
  readonly signals: { readonly id: string; readonly tables: readonly string[] }[] = []
  signalsDown = false
  readonly #mapping: ReturnType<typeof mapSync>
  readonly #bounds: Partial<SyncBounds>
  #stop = new AbortController()
  #running: Promise<void> | null = null

  constructor(declaration: unknown, bounds: Partial<SyncBounds> = {}, sink: Partial<MemorySinkOptions> = {}) {
    this.#mapping = mapSync('copy', declaration as AnySync)
    this.#bounds = { idleCommitMs: 0, clockSkewMs: 0, ...bounds }
    const targets = this.#mapping.tables.map((table) => table.target)
    this.sink = new MemorySink(targets, { sync: 'copy', ...sink })
  }

  start(): void {
    this.#stop = new AbortController()
    this.#running = runSync({
      sync: this.#mapping,
      log: this.log.member('copy', { own: true }),
      decoder: this.log.decoder,
      sink: this.sink.connect(),
      signals: {
        request: async (load) => {
          if (this.signalsDown) throw new Error('the signal topic is away')
          this.signals.push(load)
          this.capture.signal(load.id, load.tables)
        },
      },
      clock: this.clock,
      observe: (event) => this.events.push(event),
      signal: this.#stop.signal,
      bounds: this.#bounds,
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Commits at the source and lets it arrive in the log and at the sync. */
  async commit(...changes: readonly RowChange[]): Promise<bigint> {
    const { lsn } = this.source.commit(changes, this.clock.nowMs(), true)
    this.capture.drain()
    await this.rest()
    return lsn
  }

  /** The initial snapshot and what makes it whole. */
  async load(): Promise<void> {
    this.capture.snapshot()
    this.capture.drain()
    this.clock.advance(1)
    await this.commit()
  }

  /** Until nothing moves any more without time passing. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await settle()
  }

  /** Lets time pass, a second at a time. */
  async wait(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000)
      await this.rest()
    }
  }

  rows(table: number): (readonly ColumnValue[])[] {
    return [...this.sink.store.rows(table).values()]
  }

  get state(): string {
    return this.events.flatMap((event) => (event.kind === 'state' ? [event.to] : [])).at(-1) ?? 'standby'
  }

  get error(): string | undefined {
    return this.events.flatMap((event) => (event.kind === 'error' ? [event.error.code] : [])).at(-1)
  }

  get message(): string {
    return this.events.flatMap((event) => (event.kind === 'error' ? [event.error.message] : [])).at(-1) ?? ''
  }
}
