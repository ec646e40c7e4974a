import type { Change, LogDecoder, LogEvent, LogRecord } from '../contract/log-event.ts'
import { lsnText } from '../contract/lsn.ts'
import { type TableContract, tableName } from '../contract/table.ts'
import { fault, type MillraceError } from '../errors.ts'

interface Count {
  readonly name: string
  changes: number
  truncates: number
}

/**
 * Reads a log record by record and holds it to its frame: transactions come one after the other, each with one BEGIN, its events and
 * one END whose counts are right, and commits only ever rise. Holds no event, so a transaction may have any size.
 */
export class Sequencer {
  readonly #sync: string
  readonly #decoder: LogDecoder
  readonly #reads: ReadonlySet<string>
  readonly #counts = new Map<TableContract, Count>()
  #open: string | null = null
  /** The open transaction's beginning was not seen: its counts say nothing. */
  #joined = false
  #lenient: boolean
  #last: string | null = null
  #floor: bigint | null = null
  /** The table of a key update whose first half, the delete, was the last row event; its insert must be the next. */
  #moving: TableContract | null = null

  /**
   * `reads` are the tables the decoder reads, `schema.table`. `joining` allows that the first record is in the middle of a
   * transaction, as it is where a load begins.
   */
  constructor(sync: string, decoder: LogDecoder, reads: ReadonlySet<string>, joining: boolean) {
    this.#sync = sync
    this.#decoder = decoder
    this.#reads = reads
    this.#lenient = joining
  }

  /** True where the log is known to be outside of any transaction. */
  get outside(): boolean {
    return this.#open === null && !this.#lenient
  }

  /** The transaction an error at this place belongs to: the open one, or the last. */
  get transaction(): string {
    return this.#open ?? this.#last ?? 'none'
  }

  /** From now on every commit must be later than `lsn`; null: any. */
  expectAfter(lsn: bigint | null): void {
    this.#floor = lsn
  }

  /** The open transaction will have no END: the source started over. */
  abandon(): void {
    this.#open = null
    this.#moving = null
    this.#lenient = false
  }

  /** What the record means, checked; undefined for what this sync does not read. */
  accept(record: LogRecord): LogEvent | undefined {
    const event = this.#decoder.decode(record)
    if (event === undefined) return undefined
    switch (event.kind) {
      case 'change':
        if (event.change.op !== 'load') {
          this.#within(event.transaction, record)
          this.#pair(event.change, record)
          this.#count(event.change.table).changes++
        }
        break
      case 'truncate':
        this.#within(event.transaction, record)
        this.#count(event.table).truncates++
        break
      case 'begin':
        this.#begin(event.transaction, record)
        break
      case 'end':
        this.#end(event, record)
        break
      case 'identity':
        if (event.transaction !== null) this.#within(event.transaction, record)
        break
      default:
        break
    }
    return event
  }

  /**
   * A key update is one event of the source and two records. When Connect dies between them, with the first committed, Debezium takes
   * the whole event as sent and never sends the second; END then counts one too few as well. Only Debezium's marks tell.
   */
  #pair({ table, op }: Change, record: LogRecord): void {
    const second = op === 'insert' && record.headers?.['__debezium.oldkey'] !== undefined
    if (this.#moving !== null && !(second && this.#moving === table)) throw this.#halved(record)
    this.#moving = op === 'delete' && record.headers?.['__debezium.newkey'] !== undefined ? table : null
  }

  #halved(record: LogRecord): MillraceError {
    return this.#torn(record, `a row of ${tableName(this.#moving!)} left its old key, and its new one never came`)
  }

  #begin(transaction: string, record: LogRecord): void {
    this.#moving = null
    if (this.#open !== null) throw this.#torn(record, `it begins inside of ${this.#open}`, transaction)
    this.#open = transaction
    this.#joined = false
    this.#lenient = false
    for (const count of this.#counts.values()) {
      count.changes = 0
      count.truncates = 0
    }
  }

  #within(transaction: string | null, record: LogRecord): void {
    if (transaction === this.#open && transaction !== null) return
    if (this.#lenient && this.#open === null && transaction !== null) {
      this.#open = transaction
      this.#joined = true
      return
    }
    const place = this.#open === null ? 'outside of any transaction' : `inside of ${this.#open}`
    throw this.#torn(record, `an event of it stands ${place}`, transaction ?? 'none')
  }

  #end(event: LogEvent & { kind: 'end' }, record: LogRecord): void {
    const { transaction, lsn, counts } = event
    if (this.#open !== transaction && !(this.#lenient && this.#open === null)) {
      throw this.#torn(record, `it ends, and ${this.#open ?? 'none'} is open`, transaction)
    }
    if (this.#moving !== null) throw this.#halved(record)
    if (this.#open !== null && !this.#joined) this.#compare(counts, record)
    if (this.#floor !== null) {
      if (lsn <= this.#floor) {
        const facts = { sync: this.#sync, transaction, lsn: lsnText(lsn), applied: lsnText(this.#floor) }
        throw fault('SOURCE_WENT_BACK', facts)
      }
      this.#floor = lsn
    }
    this.#open = null
    this.#joined = false
    this.#lenient = false
    this.#last = transaction
  }

  /** Whether Debezium counts a TRUNCATE depends on its version; a row event it always counts. */
  #compare(said: ReadonlyMap<string, number>, record: LogRecord): void {
    for (const { name, changes, truncates } of this.#counts.values()) {
      const expected = said.get(name) ?? 0
      if (expected === changes || expected === changes + truncates) continue
      throw this.#torn(record, `${changes + truncates} events of ${name} came, and its END says ${expected}`)
    }
    for (const [name, expected] of said) {
      if (expected === 0 || !this.#reads.has(name)) continue
      let seen = false
      for (const count of this.#counts.values()) if (count.name === name) seen = true
      if (!seen) throw this.#torn(record, `no event of ${name} came, and its END says ${expected}`)
    }
  }

  #count(table: TableContract): Count {
    let count = this.#counts.get(table)
    if (count === undefined) {
      count = { name: tableName(table), changes: 0, truncates: 0 }
      this.#counts.set(table, count)
    }
    return count
  }

  #torn(record: LogRecord, reason: string, transaction = this.transaction): MillraceError {
    return fault('LOG_TORN', { sync: this.#sync, offset: record.offset, transaction, reason })
  }
}
