import { MemoryCapture } from '../../src/adapters/memory/capture.ts'
import { MemoryClock } from '../../src/adapters/memory/clock.ts'
import { MemoryLog } from '../../src/adapters/memory/log.ts'
import { MemorySink } from '../../src/adapters/memory/sink.ts'
import { keyText, MemorySource, type SourceState } from '../../src/adapters/memory/source.ts'
import type { SyncBounds } from '../../src/engine/bounds.ts'
import { mappingHashes, mapSync, type SyncMapping } from '../../src/engine/mapping.ts'
import type { SyncEvent } from '../../src/engine/observe.ts'
import type { Position } from '../../src/engine/ports.ts'
import { runSync } from '../../src/engine/sync-run.ts'
import { SimHistory } from './sim-history.ts'
import { SimRandom } from './sim-random.ts'
import { expectedImage, type SimVersion, simTables, simVersions } from './sim-tables.ts'
import { SimWorld, settle } from './sim-world.ts'

export interface SimResult {
  /** Commits whose targets were compared with the source. */
  readonly compared: number
  readonly transactions: number
  readonly events: ReadonlyMap<string, number>
}

interface Worker {
  readonly name: string
  readonly version: number
  readonly stop: AbortController
  readonly connection: ReturnType<MemorySink['connect']>
  readonly done: Promise<void>
}

/** One random life of a source, its log, two workers and a sink, compared after every commit. Throws what went wrong. */
export async function simulate(seed: number): Promise<SimResult> {
  const schedule = new Schedule(seed)
  try {
    return await schedule.run()
  } catch (error) {
    schedule.kill()
    if (process.env.MILLRACE_TRACE) for (const line of schedule.world.trace) process.stderr.write(`${line}\n`)
    throw error
  }
}

class Schedule {
  readonly #random: SimRandom
  readonly world: SimWorld
  readonly #clock: MemoryClock
  readonly #source: MemorySource
  readonly #log: MemoryLog
  readonly #capture: MemoryCapture
  readonly #sink: MemorySink
  readonly #history: SimHistory
  readonly #mappings: readonly SyncMapping[]
  readonly #bounds: Partial<SyncBounds>
  readonly #states = new Map<bigint, SourceState>()
  readonly #events = new Map<string, number>()
  #workers: Worker[] = []
  #serial = 0
  #version: number
  /** What readers of the targets see: the state at an LSN, through a version. */
  #shown: { readonly lsn: bigint; readonly version: SimVersion } | null = null
  #failure: unknown = null
  #compared = 0
  #reset = false
  #left: number
  #chaos = true
  /** The source's side has its troubles, too: a connector made anew, a log cut short. */
  readonly #wild: boolean
  /** The log lost half of a key update: only then it may be found torn. */
  #halved = false

  constructor(seed: number) {
    const random = new SimRandom(seed)
    this.#random = random
    this.world = new SimWorld(random)
    this.#clock = new MemoryClock(undefined, random.next)
    this.#source = new MemorySource(simTables)
    this.#log = new MemoryLog('shop.log', () => random.int(1, 30))
    const strict = random.chance(0.25)
    this.#history = new SimHistory(this.#source, random, strict)
    this.#capture = new MemoryCapture(this.#source, this.#log, this.#clock, {
      chunkRows: random.int(1, 4),
      meanwhile: () => {
        while (this.#chaos && random.chance(0.3)) this.#commit()
      },
      inside: () => random.chance(0.5),
      halve: () => {
        if (!this.#chaos || !this.#wild || !random.chance(0.1)) return false
        this.#halved = true
        return true
      },
    })
    this.#mappings = simVersions.map((version) => mapSync('copy', version.declaration))
    this.#version = random.int(0, simVersions.length - 1)
    this.#sink = new MemorySink(
      this.#mapping.tables.map((table) => table.target),
      {
        sync: 'copy',
        constraints: strict ? 'immediate' : random.chance(0.5) ? 'deferred' : 'none',
        committed: (position) => this.#check(position),
      },
    )
    this.#bounds = {
      chunkChanges: random.int(1, 8),
      chunkBytes: random.int(100, 2000),
      groupChanges: random.int(1, 30),
      groupMs: random.int(10, 500),
      idleCommitMs: random.int(0, 300),
      retryMs: 50,
      retryMsMax: 1000,
      signalRetryMs: 2000,
      clockSkewMs: 0,
      missingRowsMax: random.int(1, 5),
    }
    this.#wild = random.chance(0.5)
    this.#left = random.int(5, 80)
  }

  get #mapping(): SyncMapping {
    return this.#mappings[this.#version]!
  }

  async run(): Promise<SimResult> {
    const random = this.#random
    const before = random.int(0, 12)
    for (let i = 0; i < before; i++) this.#commit()
    // Some logs begin with the initial snapshot, some without, some with a later part.
    if (random.chance(0.7)) this.#capture.snapshot()
    else if (random.chance(0.5)) {
      this.#log.append([])
      this.#log.gap(3)
      this.#log.cut(2n)
    }
    this.#start()
    this.#start()
    this.#log.grant(this.#workers[0]!.name)
    // Half of the lives get through their first load in peace: what comes later shall have its share of trouble, too.
    if (random.chance(0.5)) await this.#peace(() => this.#sink.position?.load === null)
    this.world.faults = random.pick([0, 0.02, 0.08])
    this.#chaos = true
    const length = random.int(100, 400)
    for (let i = 0; i < length; i++) await this.#turn()
    this.world.note('calm')
    await this.#peace(() => this.#arrived)
    await this.#drain()
    return { compared: this.#compared, transactions: this.#source.history.length, events: this.#events }
  }

  kill(): void {
    for (const worker of this.#workers) this.#crash(worker)
  }

  async #turn(): Promise<void> {
    const random = this.#random
    const roll = random.int(0, 999)
    if (roll < 100) this.#commit()
    else if (roll < 270) this.#capture.step(random.int(1, 25))
    else if (roll < 295) this.#grant(random.pick(this.#workers).name)
    else if (roll < 307) this.#restart()
    else if (roll < 317) this.#log.gap(random.int(1, 3))
    else if (roll < 320 && this.#wild) this.#cut()
    else if (roll < 325) this.#capture.abort()
    else if (roll < 337 && this.#capture.snapshotting) this.#capture.snapshot()
    else if (roll < 339 && this.#wild) this.#capture.recreate()
    else if (roll < 347) this.#capture.signal(`backfill-${this.#serial++}`, ['public.customers'])
    else if (roll < 400) this.#clock.advanceToNext()
    else if (roll < 440) this.#endLost()
    else if (!this.world.step() && random.chance(0.2)) this.#clock.advanceToNext()
    await this.#settled()
  }

  /** No faults: what was committed must arrive. */
  async #peace(until: () => boolean): Promise<void> {
    this.world.faults = 0
    this.#chaos = false
    for (let i = 0; i < 6000; i++) {
      if (i % 40 === 0) this.#heartbeat()
      this.#capture.step(10)
      if (this.#sink.lost) this.#sink.endLost(this.#random.chance(0.5))
      if (i % 300 === 0) this.#grant(this.#workers[0]!.name)
      if (!this.world.step()) {
        if (!this.#clock.advanceToNext()) this.#clock.advance(1000)
        for (let beat = 0; beat < 8; beat++) {
          this.#heartbeat()
          this.#capture.step(100)
        }
      }
      await this.#settled()
      if (until()) return
    }
    const { position } = this.#sink
    throw new Error(`It never arrived: source at ${this.#source.lsn}, sink at ${show(position)}.`)
  }

  get #arrived(): boolean {
    const { position } = this.#sink
    const last = this.#source.history.at(-1)?.lsn
    return this.#capture.drained && position !== null && position.load === null && position.appliedLsn === last
  }

  /** A worker that is told to leave does so, with nothing left behind. */
  async #drain(): Promise<void> {
    for (const worker of this.#workers) worker.stop.abort()
    let left = false
    Promise.all(this.#workers.map((worker) => worker.done)).then(() => {
      left = true
    })
    for (let i = 0; i < 500 && !left; i++) {
      this.world.step()
      if (this.#sink.lost) this.#sink.endLost(true)
      await this.#settled()
    }
    if (!left) throw new Error('A worker that was told to leave did not.')
    if (this.#sink.busy) throw new Error('A worker left a transaction open.')
  }

  async #settled(): Promise<void> {
    await settle()
    if (this.#failure) throw this.#failure
    if (this.#reset) {
      this.#reset = false
      // What a person does about a log that lacks the position.
      this.world.note('reset')
      if (!this.#sink.busy) this.#sink.forget()
      this.#shown = null
    }
  }

  #commit(): void {
    if (this.#left === 0) return
    this.#left--
    if (this.#random.chance(0.15)) {
      this.#heartbeat()
      return
    }
    const { lsn } = this.#source.commit(this.#history.transaction(), this.#clock.nowMs())
    this.#states.set(lsn, this.#source.state)
  }

  #heartbeat(): void {
    const { lsn } = this.#source.commit([], this.#clock.nowMs(), true)
    this.#states.set(lsn, this.#source.state)
  }

  #start(): void {
    const name = `w${this.#serial++}`
    const gate = this.world.gate(name)
    const stop = new AbortController()
    const connection = this.#sink.connect(gate)
    const version = this.#version
    const done = runSync({
      sync: this.#mapping,
      log: this.#log.member(name, { gate }),
      decoder: this.#log.decoder,
      sink: connection,
      signals: {
        request: ({ id, tables }) => gate('signal', () => this.#signal(id, tables)),
      },
      clock: this.#clock,
      observe: (event) => this.#observe(name, event),
      signal: stop.signal,
      bounds: this.#bounds,
    })
    done.catch((error) => {
      this.#failure = error
    })
    this.#workers.push({ name, version, stop, connection, done })
  }

  /** A signal can get lost on its way. */
  #signal(id: string, tables: readonly string[]): void {
    if (this.#chaos && this.#random.chance(0.2)) return
    this.#capture.signal(id, tables)
  }

  #grant(name: string): void {
    this.world.note(`grant ${name}`)
    this.#log.grant(name, (tell) => (this.#random.chance(0.5) ? tell() : this.world.later(tell)))
  }

  #crash(worker: Worker): void {
    this.world.note(`crash ${worker.name}`)
    this.world.forget(worker.name)
    worker.connection.die()
    this.#workers = this.#workers.filter((other) => other !== worker)
  }

  /** A worker dies and another starts; sometimes all do, with another declaration. */
  #restart(): void {
    const random = this.#random
    if (random.chance(0.15)) {
      for (const worker of [...this.#workers]) this.#crash(worker)
      if (this.#sink.lost) this.#sink.endLost(random.chance(0.5))
      this.#version = random.int(0, simVersions.length - 1)
      this.world.note(`version ${this.#version}`)
      this.#sink.reshape(this.#mapping.tables.map((table) => table.target))
      // Tables that were reshaped are empty now; nobody looks until they are loaded.
      if (this.#shown !== null && this.#shown.version !== simVersions[this.#version]) this.#shown = null
      this.#start()
    } else {
      this.#crash(random.pick(this.#workers))
    }
    this.#start()
    this.#grant(random.pick(this.#workers).name)
  }

  #endLost(): void {
    if (!this.#sink.lost) return
    const land = this.#random.chance(0.5)
    this.world.note(`the server ends a lost transaction, landing ${land}`)
    this.#sink.endLost(land)
  }

  #cut(): void {
    const { first, next } = this.#log.range
    this.#log.cut(first + BigInt(this.#random.int(0, Number(next - first))))
  }

  #observe(worker: string, event: SyncEvent): void {
    const key = event.kind === 'error' ? `error ${event.error.code}` : event.kind === 'state' ? event.to : event.kind
    this.#events.set(key, (this.#events.get(key) ?? 0) + 1)
    const detail = event.kind === 'error' ? event.error.message : event.kind === 'load' ? show(event.load) : ''
    this.world.note(`${worker} says ${key} ${detail}`)
    if (event.kind === 'note' && event.text.includes('breaks off') && !this.#halved)
      this.#failure = new Error(event.text)
    if (event.kind !== 'error') return
    if (!this.#workers.some((other) => other.name === worker)) return
    if (event.error.code === 'LOG_SHORTER' || event.error.code === 'LOG_REPLACED') this.#reset = true
    else if (event.error.retriable || event.error.code === 'LOAD_INCOMPLETE') return
    else this.#failure = event.error
    // Anything unforeseen is a defect, unless the world cut a call off.
    if (event.error.code === 'ENGINE_UNEXPECTED' && !event.error.message.includes('cut off'))
      this.#failure = event.error
  }

  /** The oracle: the targets show exactly what the position says, and nothing of it ever goes back. */
  #check(position: Position): void {
    this.world.note(`committed ${show(position)}`)
    try {
      if (position.appliedLsn === null) return
      if (position.load === null) {
        const version = simVersions.find((_version, at) => same(mappingHashes(this.#mappings[at]!), position.mappings))
        if (version === undefined) throw new Error('The position names no known mappings.')
        if (this.#shown !== null && position.appliedLsn < this.#shown.lsn) throw new Error('The applied LSN went back.')
        this.#shown = { lsn: position.appliedLsn, version }
      }
      if (this.#shown === null) return
      if (position.appliedLsn !== this.#shown.lsn) throw new Error('The applied LSN moved during a load.')
      const state = this.#states.get(this.#shown.lsn)
      if (state === undefined) throw new Error(`No transaction committed at ${this.#shown.lsn}.`)
      const expected = expectedImage(this.#shown.version, state)
      const found = expected.map((_rows, table) => [...this.#sink.store.rows(table).values()].map(keyText).sort())
      this.#compared++
      expected.forEach((rows, table) => {
        if (rows.join('\n') === found[table]!.join('\n')) return
        const lines = [
          `Target ${table} at ${this.#shown!.lsn} differs.`,
          'expected:',
          ...rows,
          'found:',
          ...found[table]!,
        ]
        throw new Error(lines.join('\n  ').replaceAll('\u0000', ' '))
      })
    } catch (error) {
      this.#failure ??= error
    }
  }
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner))
}
