import type { Applied, Position, SinkChange, SinkTransaction } from '../../engine/ports.ts'
import { fault, messageOf } from '../../errors.ts'
import type { PostgresConnection, Session } from './connection.ts'
import { connectionGone, isBug, serverError, sinkFault } from './faults.ts'
import { type Step, steps, unresolved } from './merge.ts'
import { quoteTable } from './names.ts'
import { storeParameters, storeSql } from './positions.ts'
import type { SinkTable, SinkTables } from './sink-tables.ts'
import { SinkWriter, WriteError } from './sink-writer.ts'
import { createStaging, deleteUnstaged, upsertStaged } from './staging.ts'
import type { StatementNames } from './statement-names.ts'

type Into = 'target' | 'staging'

/** What a transaction works with. */
export interface TransactionScope {
  readonly sync: string
  readonly epoch: bigint
  readonly connection: PostgresConnection
  readonly session: Session
  readonly tables: SinkTables
  readonly names: StatementNames
  /** Called once, when the transaction is over. `reusable`: the session is as it was before. */
  readonly over: (reusable: boolean) => Promise<void>
}

/** Statements over whole tables take as long as they take, and need the planner's whole choice. */
const wholeTables = {
  on: 'SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on',
  off: 'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off',
}

export class PostgresSinkTransaction implements SinkTransaction {
  readonly #scope: TransactionScope
  #state: 'open' | 'failed' | 'over' = 'open'

  constructor(scope: TransactionScope) {
    this.#scope = scope
  }

  async apply(changes: readonly SinkChange[], how: 'together' | 'inOrder', into: Into): Promise<Applied> {
    return this.#do(() => (how === 'together' ? this.#together(changes, into) : this.#inOrder(changes, into)))
  }

  async clear(into: Into): Promise<void> {
    const { sync, tables } = this.#scope
    const { all } = tables
    if (into === 'target') return this.#do(() => this.#whole([deleteAll(all.map(({ target }) => quoteTable(target)))]))
    return this.#do(() =>
      this.#whole(all.flatMap((table) => createStaging(sync, table.staging, table.target, table.present))),
    )
  }

  async mergeStaging(): Promise<void> {
    const { all, parentsFirst, deletesFirst } = this.#scope.tables
    const parents = parentsFirst.map((at) => all[at]!)
    const deletes = parents.toReversed().map(({ staging, target }) => deleteUnstaged(staging, target))
    const upserts = parents.map(({ staging, target }) => upsertStaged(staging, target))
    const drops = all.map(({ staging }) => `DROP TABLE ${quoteTable(staging)}`)
    const analyze = all.map(({ staging }) => `ANALYZE ${quoteTable(staging)}`)
    const writes = deletesFirst ? [...deletes, ...upserts] : [...upserts, ...deletes]
    return this.#do(() => this.#whole([...analyze, ...writes, ...drops]))
  }

  async commit(position: Position): Promise<void> {
    const { session, sync, epoch, names } = this.#scope
    await this.#do(async () => {
      if (session.lost) throw session.lost
    })
    const parameters = storeParameters(sync, epoch, position)
    const name = names.nameOf(storeSql)
    const stored = session.query(storeSql, parameters, name === undefined ? {} : { name })
    const committed = session.query('COMMIT')
    const [store, commit] = await Promise.allSettled([stored, committed])
    // A failed statement turns COMMIT into a rollback that answers without an error.
    if (store.status === 'rejected' && serverError(store.reason) && !connectionGone(store.reason)) {
      throw this.#fail(store.reason)
    }
    if (commit.status === 'rejected') {
      if (!connectionGone(commit.reason)) throw this.#fail(commit.reason)
      this.#state = 'over'
      await this.#scope.over(false)
      throw fault('COMMIT_UNKNOWN', { sync, reason: messageOf(commit.reason) }, commit.reason)
    }
    if (commit.value.command !== 'COMMIT' || store.status === 'rejected' || store.value.rowCount !== 1) {
      throw this.#fail(new Error(`COMMIT answered ${commit.value.command}`))
    }
    this.#state = 'over'
    await this.#scope.over(true)
  }

  async rollback(): Promise<void> {
    if (this.#state === 'over') return
    const failed = this.#state === 'failed'
    this.#state = 'over'
    let reusable = false
    if (!this.#scope.session.lost) {
      reusable = await this.#scope.session.query('ROLLBACK', undefined, { limitMs: 1_000 }).then(
        () => !failed,
        () => false,
      )
    }
    await this.#scope.over(reusable)
  }

  async #together(changes: readonly SinkChange[], into: Into): Promise<Applied> {
    const { tables, session, names } = this.#scope
    const writer = new SinkWriter(session, names, into, 'sets')
    for (const step of steps(changes, tables.keys)) {
      if (step.kind === 'truncate')
        await writer.run(deleteAll(step.tables.map((at) => this.#name(tables.all[at]!, into))))
      else await this.#rows(writer, step)
    }
    await writer.finish()
    return { missing: unresolved(writer.missing, changes, tables.keys) }
  }

  async #rows(writer: SinkWriter, step: Step & { readonly kind: 'rows' }): Promise<void> {
    const { all, parentsFirst, deletesFirst } = this.#scope.tables
    const touched = parentsFirst.flatMap((at) => {
      const work = step.tables.get(at)
      return work ? [{ table: all[at]!, work }] : []
    })
    const deletes = async () => {
      for (const { table, work } of touched.toReversed()) await writer.delete(table, work.deletes)
    }
    writer.missing.push(...step.missing)
    if (deletesFirst) await deletes()
    for (const { table, work } of touched) {
      await writer.upsert(table, work.wholes)
      await writer.update(table, work.partials)
    }
    if (!deletesFirst) await deletes()
  }

  async #inOrder(changes: readonly SinkChange[], into: Into): Promise<Applied> {
    const { tables, session, names } = this.#scope
    const writer = new SinkWriter(session, names, into, 'rows')
    for (let at = 0; at < changes.length; at++) {
      const change = changes[at]!
      const table = tables.all[change.table]!
      if (change.op === 'move') await writer.move(table, change)
      else if (change.op === 'truncate') {
        const together = [this.#name(table, into)]
        for (let next = changes[at + 1]; next?.op === 'truncate'; next = changes[++at + 1]) {
          together.push(this.#name(tables.all[next.table]!, into))
        }
        await writer.run(deleteAll(together))
      } else {
        const row = { values: change.values, partials: [change] }
        if (change.op === 'delete') await writer.delete(table, [row])
        else if (change.values.some((value) => typeof value === 'symbol')) await writer.update(table, [row])
        else await writer.upsert(table, [row])
      }
    }
    await writer.finish()
    return { missing: writer.missing }
  }

  #name(table: SinkTable, into: Into): string {
    return quoteTable(into === 'target' ? table.target : table.staging)
  }

  async #whole(statements: readonly string[]): Promise<void> {
    const { session } = this.#scope
    await session.query(wholeTables.on)
    for (const statement of statements) await session.query(statement, undefined, { limitMs: 0 })
    await session.query(wholeTables.off)
  }

  async #do<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#state !== 'open') throw fault('SINK_MISUSED', { reason: 'the transaction is over' })
    try {
      return await work()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #fail(error: unknown): unknown {
    this.#state = 'failed'
    if (isBug(error)) return error
    const { connection } = this.#scope
    return error instanceof WriteError
      ? sinkFault(error.cause, connection, error.context)
      : sinkFault(error, connection)
  }
}

/**
 * Empties tables in one statement, so that foreign keys among them do not mind the order. Not TRUNCATE: a reader with an older
 * snapshot must go on seeing its rows.
 */
function deleteAll(names: readonly string[]): string {
  const distinct = [...new Set(names)]
  if (distinct.length === 1) return `DELETE FROM ${distinct[0]}`
  const parts = distinct.map((name, at) => `d${at} AS (DELETE FROM ${name})`)
  return `WITH ${parts.join(', ')} SELECT`
}
