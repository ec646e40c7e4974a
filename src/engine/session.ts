import { tableName } from '../contract/table.ts'
import { fault, isMillraceError } from '../errors.ts'
import { randomId } from './backoff.ts'
import { beginLoad } from './load.ts'
import { mappingHashes } from './mapping.ts'
import type { LoadState, Position } from './ports.ts'
import { Reading, type ReadingOptions } from './reading.ts'

/**
 * One attempt to run a sync: take over, find the position, then load or follow the log until the tenure ends. It ends by an error at
 * the first thing that goes wrong, and the next one starts from what is stored: there is no other recovery.
 */
export class Session {
  readonly #options: ReadingOptions
  readonly #tables: readonly string[]
  readonly #hashes: Readonly<Record<string, string>>
  #epoch = 0n

  constructor(options: ReadingOptions) {
    this.#options = options
    this.#tables = [...new Set(options.sync.tables.map((table) => tableName(table.source)))]
    this.#hashes = mappingHashes(options.sync)
  }

  /** Resolves when the tenure has ended and what was whole is committed. */
  async run(): Promise<void> {
    const { sink, tenure } = this.#options
    const { epoch, position: stored } = await sink.takeOver()
    this.#epoch = epoch
    this.#options.report({ kind: 'owner', epoch })
    let position = await this.#resume(stored)
    while (!tenure.signal.aborted) {
      const reading = new Reading(this.#options, this.#tables, this.#epoch, position)
      try {
        if ((await reading.run()) === 'ended') return
        position = await this.#startLoad(position, 'signal')
      } catch (error) {
        position = await this.#loadAround(error)
      }
    }
  }

  /** What the log lost, no waiting brings back. The source still has it: the sync loads what is there after the torn place. */
  async #loadAround(error: unknown): Promise<Position> {
    if (!isMillraceError(error) || error.code !== 'LOG_TORN' || this.#options.tenure.signal.aborted) throw error
    this.#options.report({ kind: 'note', text: `${error.message} Loading again.` })
    const { epoch, position } = await this.#options.sink.takeOver()
    this.#epoch = epoch
    return this.#startLoad(position, 'signal')
  }

  /** Where to go on: at the stored position, or at a load's start when there is none or it does not do any more. */
  async #resume(stored: Position | null): Promise<Position> {
    // A position that an earlier owner had and that is gone was reset: what the log's beginning holds is not to be trusted then.
    if (stored === null) return this.#startLoad(null, this.#epoch > 1n ? 'signal' : 'beginning')
    const hashes = Object.entries(this.#hashes)
    let same = hashes.every(([target, hash]) => stored.mappings[target] === hash)
    // A sync that lost a table goes on without it; a load of other tables than these does not.
    if (stored.load !== null && Object.keys(stored.mappings).length !== hashes.length) same = false
    if (!same) return this.#startLoad(stored, 'beginning')
    const { first, next } = await this.#options.tenure.range()
    if (stored.nextOffset < first || stored.nextOffset > next) {
      if (stored.load !== null) return this.#startLoad(stored, 'beginning')
      const log = `of ${this.#options.sync.source}`
      throw fault('LOG_SHORTER', { log, from: stored.nextOffset, first, next })
    }
    return { ...stored, mappings: this.#hashes }
  }

  /** Stores the beginning of a load. The targets keep what they show, if they show anything. */
  async #startLoad(before: Position | null, wanted: LoadState['from']): Promise<Position> {
    const { sink, tenure, clock, sync, report } = this.#options
    const { first, next } = await tenure.range()
    const from = first === 0n ? wanted : 'signal'
    const appliedLsn = before?.appliedLsn ?? null
    const into = appliedLsn === null && (await sink.targetsEmpty()) ? 'target' : 'staging'
    const load = beginLoad({ id: randomId(sync.name, clock), from, into, tables: this.#tables })
    const position: Position = {
      nextOffset: from === 'beginning' ? 0n : next,
      appliedLsn,
      commitTimeMs: before?.commitTimeMs ?? null,
      identity: appliedLsn === null ? null : (before?.identity ?? null),
      load,
      mappings: this.#hashes,
    }
    const transaction = await sink.begin(this.#epoch)
    try {
      await transaction.clear(into)
      await transaction.commit(position)
    } catch (error) {
      await transaction.rollback()
      throw error
    }
    report({ kind: 'load', load, rows: 0 })
    return position
  }
}
