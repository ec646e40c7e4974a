import type { SyncBounds } from './bounds.ts'
import type { Applied, Clock, Position, SinkChange, SinkTransaction, SyncSink } from './ports.ts'

/** Where a group of whole transactions ends: what the position will say once they are committed. */
export type Point = Position

/** What one sink transaction did, told when it is committed. */
export interface Commit {
  readonly position: Position
  readonly transactions: number
  readonly changes: number
  readonly bytes: number
  readonly tookMs: number
}

export interface WriterHooks {
  /** The sink took `changes`; runs before anything later is handed to it. */
  applied(changes: readonly SinkChange[], answer: Applied): void
  /** The last word on the position of a commit, after all its changes were applied. */
  settle(point: Point): Position
  committed(commit: Commit): void
}

/**
 * Gathers changes into chunks and chunks into sink transactions.
 *
 * Marks say up to where the gathered changes are whole transactions; only there it commits. A chunk is handed over up to its last
 * mark, and the rest stays for the next, unless a transaction is larger than a chunk: then it streams into the open sink transaction.
 * One call to the sink is under way at a time, while the next chunk is gathered.
 */
export class Writer {
  readonly #sink: SyncSink
  readonly #epoch: bigint
  readonly #clock: Clock
  readonly #bounds: SyncBounds
  readonly #hooks: WriterHooks
  /** Apply in source order and commit each transaction by itself. */
  careful: boolean
  into: 'target' | 'staging' = 'target'

  #changes: SinkChange[] = []
  #bytes = 0
  #marked: { readonly changes: number; readonly bytes: number; readonly point: Point } | null = null
  #transactions = 0

  /** The point that what was handed over amounts to; null while it ends inside of a transaction. */
  #ready: Point | null = null
  #handed = { changes: 0, bytes: 0, transactions: 0 }
  #openedMs = 0
  #transaction: SinkTransaction | null = null
  #underWay: Promise<void> | null = null
  /** After an error of the sink nothing but giving up is left. */
  #broken = false
  #lastCommitMs: number

  constructor(sink: SyncSink, epoch: bigint, clock: Clock, bounds: SyncBounds, careful: boolean, hooks: WriterHooks) {
    this.#sink = sink
    this.#epoch = epoch
    this.#clock = clock
    this.#bounds = bounds
    this.#hooks = hooks
    this.careful = careful
    this.#openedMs = clock.nowMs()
    this.#lastCommitMs = this.#openedMs - bounds.idleCommitMs
  }

  push(change: SinkChange): void {
    this.#changes.push(change)
  }

  /** Counts bytes of log records towards the bounds. */
  weigh(bytes: number): void {
    this.#bytes += bytes
  }

  /** True when enough is gathered to hand a chunk over. */
  get crowded(): boolean {
    return this.#changes.length >= this.#bounds.chunkChanges || this.#bytes >= this.#bounds.chunkBytes
  }

  /** Everything pushed so far is whole. A promise when it is time to commit; wait for it before pushing on. */
  mark(point: Point, transactions: number): Promise<void> | undefined {
    this.#marked = { changes: this.#changes.length, bytes: this.#bytes, point }
    this.#transactions += transactions
    if (this.careful) return this.commitNow()
    return this.#full() ? this.#commitMarked() : undefined
  }

  /** Hands over what is gathered: up to the mark, and beyond only if it must. */
  async relieve(): Promise<void> {
    if (this.#marked !== null && this.#marked.changes > 0) await this.#hand(this.#marked.changes)
    if (this.crowded) await this.#hand(this.#changes.length)
    if (this.careful) await this.#idle()
  }

  /**
   * Commits what is whole and waits for it. Unless `must`, a group without changes is held back for `idleCommitMs` after the last commit;
   * then the answer is how long to wait at most before calling again.
   */
  async commitWhole(must: boolean): Promise<number | null> {
    await this.#idle()
    if (this.#marked === null && this.#ready === null) return null
    const empty = this.#handed.changes === 0 && (this.#marked?.changes ?? 0) === 0
    const wait = this.#lastCommitMs + this.#bounds.idleCommitMs - this.#clock.nowMs()
    if (empty && !must && wait > 0) return wait
    await this.commitNow()
    return null
  }

  /** Commits up to the last mark, if the group is whole there, and waits for it. */
  async commitNow(): Promise<void> {
    if (!this.#broken) await this.#commitMarked()
    await this.#idle()
  }

  /** Hands over everything and waits until the sink has it. */
  async flush(): Promise<void> {
    await this.#hand(this.#changes.length)
    await this.#idle()
  }

  /** Runs a step of its own in the open sink transaction. */
  async within(step: (transaction: SinkTransaction) => Promise<void>): Promise<void> {
    await this.#run(async () => step(await this.#open()))
    await this.#idle()
  }

  /** Drops what is not committed. Never rejects. */
  async abandon(): Promise<void> {
    await this.#underWay?.catch(() => {})
    this.#underWay = null
    this.#broken = false
    const transaction = this.#transaction
    this.#transaction = null
    this.#changes = []
    this.#bytes = 0
    this.#marked = null
    this.#transactions = 0
    this.#ready = null
    this.#handed = { changes: 0, bytes: 0, transactions: 0 }
    await transaction?.rollback()
  }

  #full(): boolean {
    const { changes, bytes } = this.#handed
    if (changes + this.#changes.length >= this.#bounds.groupChanges) return true
    if (bytes + this.#bytes >= this.#bounds.groupBytes) return true
    return changes > 0 && this.#clock.nowMs() - this.#openedMs >= this.#bounds.groupMs
  }

  async #commitMarked(): Promise<void> {
    if (this.#marked !== null) await this.#hand(this.#marked.changes)
    const point = this.#ready
    if (point === null) return
    const { changes, bytes, transactions } = this.#handed
    this.#ready = null
    this.#handed = { changes: 0, bytes: 0, transactions: 0 }
    await this.#run(async () => {
      const transaction = await this.#open()
      const position = this.#hooks.settle(point)
      await transaction.commit(position)
      this.#transaction = null
      this.#lastCommitMs = this.#clock.nowMs()
      const tookMs = this.#lastCommitMs - this.#openedMs
      this.#hooks.committed({ position, transactions, changes, bytes, tookMs })
    })
  }

  /** Hands the first `count` changes to the sink. */
  async #hand(count: number): Promise<void> {
    const marked = this.#marked
    if (marked !== null && marked.changes <= count) {
      this.#ready = marked.changes === count ? marked.point : null
      this.#handed.transactions += this.#transactions
      this.#transactions = 0
      this.#marked = null
    } else if (count > 0) {
      this.#ready = null
    }
    if (count === 0) return
    const all = count === this.#changes.length
    const changes = all ? this.#changes : this.#changes.slice(0, count)
    const bytes = all || marked === null ? this.#bytes : marked.bytes
    this.#changes = all ? [] : this.#changes.slice(count)
    this.#bytes -= bytes
    this.#handed.changes += count
    this.#handed.bytes += bytes
    await this.#run(() => this.#apply(changes))
  }

  async #apply(changes: readonly SinkChange[]): Promise<void> {
    const transaction = await this.#open()
    const how = this.careful ? 'inOrder' : 'together'
    let start = 0
    for (let i = 0; i <= changes.length; i++) {
      const alone = i < changes.length && changes[i]!.op === 'move'
      if (i < changes.length && !alone) continue
      if (i > start)
        await this.#call(transaction, start === 0 && i === changes.length ? changes : changes.slice(start, i), how)
      if (alone) await this.#call(transaction, [changes[i]!], 'inOrder')
      start = i + 1
    }
  }

  async #call(
    transaction: SinkTransaction,
    changes: readonly SinkChange[],
    how: 'together' | 'inOrder',
  ): Promise<void> {
    this.#hooks.applied(changes, await transaction.apply(changes, how, this.into))
  }

  async #open(): Promise<SinkTransaction> {
    if (this.#transaction === null) {
      this.#openedMs = this.#clock.nowMs()
      this.#transaction = await this.#sink.begin(this.#epoch)
    }
    return this.#transaction
  }

  /** Starts `work` once what is under way is done. */
  async #run(work: () => Promise<void>): Promise<void> {
    await this.#idle()
    const underWay = work()
    underWay.catch(() => {
      this.#broken = true
    })
    this.#underWay = underWay
  }

  async #idle(): Promise<void> {
    const underWay = this.#underWay
    if (underWay === null) return
    await underWay
    if (this.#underWay === underWay) this.#underWay = null
  }
}
