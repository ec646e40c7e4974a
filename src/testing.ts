/** The driver: the real engine over in-memory edges and a clock the test owns. */
import { MemoryCapture } from './adapters/memory/capture.ts'
import { MemoryClock } from './adapters/memory/clock.ts'
import { MemoryLog } from './adapters/memory/log.ts'
import { MemorySink } from './adapters/memory/sink.ts'
import { MemorySource, type RowChange } from './adapters/memory/source.ts'
import type { ColumnValue } from './contract/values.ts'
import type { AnySync, SyncOptions } from './declare/sync.ts'
import type { AnyTable, KeyOf, RowOf } from './declare/table.ts'
import { mapSync } from './engine/mapping.ts'
import { runSync } from './engine/sync-run.ts'
import type { MillraceError } from './errors.ts'

type Tables = Readonly<Record<string, AnyTable>>

/** One source table inside of a transaction. Statements take effect in the order they are written. */
export interface TestTable<T extends AnyTable> {
  insert(row: RowOf<T>): void
  /** Changes some columns of the row with this key; with key columns among them, the row's key. */
  update(key: Pick<RowOf<T>, KeyOf<T>>, set: Partial<RowOf<T>>): void
  delete(key: Pick<RowOf<T>, KeyOf<T>>): void
  truncate(): void
}

/** What a source transaction does. */
export type TestTransaction<From extends Tables> = (
  tables: {
    readonly [Name in keyof From]: TestTable<From[Name]>
  },
) => void

/** A row of a target by column name, as the sink got it. */
export type TargetRow = Readonly<Record<string, ColumnValue>>

/** A sync that runs in memory. */
export interface SyncTest<From extends Tables> {
  /**
   * Commits one source transaction and resolves when the targets show it. Rejects with the `MillraceError` that stopped the sync; it has
   * applied nothing of the transaction then, and the test is over.
   */
  transaction(changes: TestTransaction<From>): Promise<void>
  /** What a reader of the target of `from[name]` sees now. In no particular order. */
  rows(name: keyof From & string): readonly TargetRow[]
  /** LSN of the last transaction that the targets show. */
  readonly appliedLsn: bigint
  /** Ends the sync. */
  close(): Promise<void>
}

/**
 * Runs a sync declaration: the real engine, over a source, a log and a sink in memory. Resolves when the initial load, of what `given`
 * put into the source, is done.
 *
 * The targets have the declaration's foreign keys and unique constraints, checked at each commit, as on targets made by `apply`.
 */
export async function testSync<const From extends Tables>(
  declaration: Readonly<SyncOptions<From>> & { readonly kind: 'sync' },
  given: TestTransaction<From> = () => {},
): Promise<SyncTest<From>> {
  const driver = new SyncDriver(declaration as unknown as AnySync)
  await driver.start(given as TestTransaction<Tables>)
  return driver as unknown as SyncTest<From>
}

class SyncDriver implements SyncTest<Tables> {
  readonly #from: Tables
  readonly #source: MemorySource
  readonly #clock = new MemoryClock()
  readonly #log = new MemoryLog('test.log')
  readonly #capture: MemoryCapture
  readonly #sink: MemorySink
  readonly #mapping: ReturnType<typeof mapSync>
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #error: MillraceError | null = null

  constructor(declaration: AnySync) {
    this.#from = declaration.from
    this.#mapping = mapSync('test', declaration)
    const targets = this.#mapping.tables.map((table) => table.target)
    this.#source = new MemorySource(Object.values(this.#from).map((table) => table.contract))
    this.#capture = new MemoryCapture(this.#source, this.#log, this.#clock)
    this.#sink = new MemorySink(targets, { sync: 'test' })
  }

  get appliedLsn(): bigint {
    return this.#sink.position?.appliedLsn ?? 0n
  }

  async start(given: TestTransaction<Tables>): Promise<void> {
    this.#source.commit(this.#changes(given), this.#clock.nowMs())
    this.#capture.snapshot()
    this.#running = runSync({
      sync: this.#mapping,
      log: this.#log.member('test', { own: true }),
      decoder: this.#log.decoder,
      sink: this.#sink.connect(),
      signals: { request: async ({ id, tables }) => this.#capture.signal(id, tables) },
      clock: this.#clock,
      observe: (event) => {
        if (event.kind === 'error') this.#error ??= event.error
      },
      signal: this.#stop.signal,
      bounds: { idleCommitMs: 0, clockSkewMs: 0 },
    })
    this.#capture.drain()
    this.#clock.advance(1)
    await this.#commit([])
  }

  async transaction(changes: TestTransaction<Tables>): Promise<void> {
    await this.#commit(this.#changes(changes))
  }

  rows(name: string): readonly TargetRow[] {
    const mapping = this.#mapping.tables.find((table) => table.entry === name)
    if (mapping === undefined) throw new TypeError(`The sync reads no table ${name}.`)
    const names = mapping.target.columns.map((column) => column.name)
    const rows = [...this.#sink.store.rows(mapping.index).values()]
    return rows.map((row) => Object.fromEntries(names.map((column, at) => [column, row[at]])))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #commit(changes: readonly RowChange[]): Promise<void> {
    if (this.#error !== null) throw this.#error
    const { lsn } = this.#source.commit(changes, this.#clock.nowMs(), true)
    this.#capture.drain()
    for (let turn = 0; turn < turnsMax; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.#error !== null) {
        await this.close()
        throw this.#error
      }
      if (this.#sink.position?.load === null && this.appliedLsn === lsn) return
      // The log goes quiet without heartbeats, and nobody is to wait for the clock.
      if (turn % 10 === 9) this.#clock.advance(1000)
    }
    throw new Error('The transaction did not arrive.')
  }

  #changes(transaction: TestTransaction<Tables>): RowChange[] {
    const changes: RowChange[] = []
    const tables = Object.entries(this.#from).map(([name, { contract: table }]) => {
      const key = (of: Record<string, ColumnValue>) => table.key.map((column: string) => of[column])
      const handle: TestTable<AnyTable> = {
        insert: (row) => {
          const values = row as Record<string, ColumnValue>
          changes.push({ op: 'insert', table, row: table.columns.map((column) => values[column.name] ?? null) })
        },
        update: (of, set) =>
          changes.push({ op: 'update', table, key: key(of), set: set as Record<string, ColumnValue> }),
        delete: (of) => changes.push({ op: 'delete', table, key: key(of) }),
        truncate: () => changes.push({ op: 'truncate', table }),
      }
      return [name, handle] as const
    })
    transaction(Object.fromEntries(tables))
    return changes
  }
}

/** Far more than any transaction of a test takes; ends a test that would hang. */
const turnsMax = 100_000
