import type { Client } from 'pg'
import type { Row, Said } from './records.ts'

/** One attempt of the initial snapshot, as the log shows it. */
export interface Attempt {
  rows: number
  lsnMin: bigint | null
  lsnMax: bigint | null
  /** The transaction that read the tables. */
  reader: bigint | null
  completed: boolean
}

/**
 * Holds the log to what it promises while reading it: every transaction once, whole, in commit order; and builds the state it
 * speaks of. Until the load is settled rows are taken as they come, after it every insert must be new and every update and delete
 * must find its row: a change that is there twice, or lost, cannot pass.
 */
export class Judge {
  readonly state = new Map<string, Map<string, string>>()
  readonly attempts: Attempt[] = []
  readonly wrong: string[] = []
  /**
   * Key updates of which the log holds the first half only. Debezium stores its offset between the halves, which have one LSN, and a
   * restart takes that LSN as done; END counts what was sent. The first half says that a second one follows: so it is found.
   */
  readonly torn: string[] = []
  /**
   * Rows of a COPY that stand twice in their transaction, the same both times: they share one LSN, and a restart among them may send some
   * again. Taking a row's last image makes nothing of it; counting inserts would.
   */
  readonly doubled: string[] = []
  /** Transactions whose counts are wrong for one of these reasons. */
  readonly miscounted = new Set<string>()
  /** Rows whose image was lost with a second half, until the log shows them whole again. */
  readonly unknown = new Set<string>()
  /** By transaction id: row events of each table, for the comparison with the ledger. */
  readonly seen = new Map<string, ReadonlyMap<string, number>>()
  transactions = 0
  rows = 0
  /** Transactions that came between the completed snapshot and the point from which its state is whole. */
  replayed = 0
  /** Those of them that the snapshot's rows showed already, though they committed after the LSN that these rows carry. */
  readonly ahead = { transactions: 0, lsnFirst: null as bigint | null, lsnLast: null as bigint | null }
  lastLsn = 0n
  lastCommitMs = 0
  heartbeats = 0
  /** The last changes of each account: what a wrong one is explained with. */
  readonly #past = new Map<string, string[]>()
  lastHeartbeat = ''
  settled = false

  #open:
    | {
        readonly xid: string
        readonly tables: Map<string, number>
        events: number
        known: boolean
        after: boolean
        half: string | null
        inserted: Map<string, string>
      }
    | undefined

  take(said: Said, offset: bigint): void {
    switch (said.is) {
      case 'begin':
        if (this.#open) this.#fail(offset, `BEGIN of ${said.xid} inside ${this.#open.xid}`)
        if (this.seen.has(said.xid)) this.#fail(offset, `transaction ${said.xid} comes again`)
        this.#open = {
          xid: said.xid,
          tables: new Map(),
          events: 0,
          known: false,
          after: false,
          half: null,
          inserted: new Map(),
        }
        return
      case 'end':
        this.#end(said, offset)
        return
      case 'row':
        this.#row(said, offset)
        return
      case 'message':
        if (said.xid !== this.#open?.xid) this.#fail(offset, `a message of ${said.xid} outside it`)
        else if (this.#open) {
          this.#open.events++
          this.#open.after ||= this.#afterSnapshot(said)
        }
        return
      case 'notice':
        this.#notice(said)
        return
    }
  }

  #end(said: Extract<Said, { is: 'end' }>, offset: bigint): void {
    const open = this.#open
    if (open?.xid !== said.xid) {
      this.#open = undefined
      this.#fail(offset, `END of ${said.xid} closes ${open?.xid ?? 'nothing'}`)
      return
    }
    if (open.events !== said.events)
      this.#fail(offset, `${said.xid}: END counts ${said.events}, the log holds ${open.events}`)
    for (const table of new Set([...open.tables.keys(), ...[...said.tables.keys()].map(plainName)])) {
      const told = said.tables.get(`public.${table}`) ?? 0
      if (table in tablesKnown && told !== (open.tables.get(table) ?? 0)) {
        this.#fail(offset, `${said.xid}: END counts ${told} of ${table}, the log holds ${open.tables.get(table) ?? 0}`)
      }
    }
    if (said.lsn <= this.lastLsn) this.#fail(offset, `${said.xid} committed at ${said.lsn}, after ${this.lastLsn}`)
    this.lastLsn = said.lsn
    this.lastCommitMs = said.atMs
    this.seen.set(said.xid, open.tables)
    this.transactions++
    this.#closeHalf(offset)
    this.#open = undefined
    const attempt = this.attempts.at(-1)
    if (this.settled || attempt?.completed !== true) return
    if (open.after) {
      this.settled = true
      return
    }
    this.replayed++
    if (!open.known || attempt.lsnMax === null || said.lsn <= attempt.lsnMax) return
    this.ahead.transactions++
    this.ahead.lsnFirst ??= said.lsn
    this.ahead.lsnLast = said.lsn
  }

  /**
   * A heartbeat that saw the transaction which read the tables ended: what commits with it is later than anything the snapshot saw.
   * The LSN on its rows does not say so: an attempt that finds its slot there already reads each table as of another moment.
   */
  #afterSnapshot(said: Extract<Said, { is: 'message' }>): boolean {
    if (said.prefix !== 'millrace') return false
    this.heartbeats++
    this.lastHeartbeat = said.content
    const reader = this.attempts.at(-1)?.reader
    if (reader === null || reader === undefined) return false
    const [, xmax, running] = (JSON.parse(said.content) as { snapshot: string }).snapshot.split(':')
    return reader < BigInt(xmax!) && !running!.split(',').includes(String(reader))
  }

  #row(said: Extract<Said, { is: 'row' }>, offset: bigint): void {
    this.rows++
    const rows = this.state.get(said.table) ?? new Map<string, string>()
    this.state.set(said.table, rows)
    if (said.op === 'r') {
      const attempt = this.attempts.at(-1)
      if (attempt === undefined || attempt.completed) {
        this.#fail(offset, 'a snapshot row outside a snapshot')
        return
      }
      attempt.rows++
      attempt.lsnMin = attempt.lsnMin === null || said.lsn < attempt.lsnMin ? said.lsn : attempt.lsnMin
      attempt.lsnMax = attempt.lsnMax === null || said.lsn > attempt.lsnMax ? said.lsn : attempt.lsnMax
      attempt.reader = said.reader
      rows.set(keyOf(said.after!), textOf(said.after!))
      return
    }
    if (this.#open === undefined || said.xid !== this.#open.xid) {
      this.#fail(offset, `an event of ${said.xid} in ${this.#open?.xid ?? 'no transaction'}`)
      return
    }
    this.#open.events++
    this.#open.tables.set(said.table, (this.#open.tables.get(said.table) ?? 0) + 1)
    const key = keyOf((said.op === 'd' ? said.before : said.after)!)
    if ((said.op === 'c') === rows.has(key)) this.#open.known = true
    const id = `${said.table} ${key}`
    if (said.became && this.#open.half === id) this.#open.half = null
    else if (said.became) this.#fail(offset, `${said.xid}: the second half of a key update without its first`)
    this.#closeHalf(offset)
    if (said.becomes !== null) this.#open.half = `${said.table} ${said.becomes}`
    const there = this.unknown.delete(id) || rows.has(key)
    const past = said.table === 'accounts' ? this.#remember(key, `${offset} ${said.xid} ${said.op} at ${said.lsn}`) : []
    const again = `${said.lsn} ${said.op === 'c' ? textOf(said.after!) : ''}`
    if (this.settled) {
      if (said.op === 'c' && there && this.#open.inserted.get(id) === again) {
        this.doubled.push(`offset ${offset}: ${said.xid} inserts ${id} again`)
        this.miscounted.add(said.xid)
      } else if (said.op === 'c' && there)
        this.#fail(offset, `${said.table} ${key} is inserted twice; ${past.join(', ')}`)
      if (said.op !== 'c' && !there)
        this.#fail(offset, `${said.table} ${key} is ${said.op} but not there; ${past.join(', ')}`)
    }
    if (said.op === 'c') this.#open.inserted.set(id, again)
    if (said.op === 'd') rows.delete(key)
    else rows.set(key, textOf(said.after!))
  }

  /** What follows the first half of a key update must be its second. */
  #closeHalf(offset: bigint): void {
    const open = this.#open!
    if (open.half === null) return
    this.torn.push(`offset ${offset}: ${open.xid} lacks the second half of a key update, ${open.half}`)
    this.miscounted.add(open.xid)
    this.unknown.add(open.half)
    open.half = null
  }

  #remember(key: string, change: string): readonly string[] {
    const past = [...(this.#past.get(key) ?? []), change].slice(-8)
    this.#past.set(key, past)
    return past
  }

  #notice(said: Extract<Said, { is: 'notice' }>): void {
    if (said.what !== 'Initial Snapshot') return
    if (said.type === 'STARTED') {
      this.attempts.push({ rows: 0, lsnMin: null, lsnMax: null, reader: null, completed: false })
      this.state.clear()
      this.settled = false
    }
    if (said.type === 'COMPLETED') this.attempts.at(-1)!.completed = true
  }

  #fail(offset: bigint, what: string): void {
    if (this.wrong.length < 50) this.wrong.push(`offset ${offset}: ${what}`)
  }
}

const tablesKnown: Readonly<Record<string, true>> = { accounts: true, events: true, ledger: true }

/** Compares what the log led to with the source itself, and each transaction with what its author wrote down. */
export async function compareWithSource(
  judge: Judge,
  client: Client,
): Promise<{ differences: string[]; ledger: number }> {
  const differences: string[] = []
  for (const table of Object.keys(tablesKnown)) {
    const { rows } = await client.query<Row>(`SELECT * FROM ${table}`)
    const ours = new Map(judge.state.get(table) ?? [])
    for (const row of rows) {
      if (judge.unknown.has(`${table} ${keyOf(row)}`)) continue
      const found = ours.get(keyOf(row))
      if (found !== textOf(row)) differences.push(`${table}: source has ${textOf(row)}, the log ${found ?? 'nothing'}`)
      ours.delete(keyOf(row))
    }
    for (const row of ours.values()) differences.push(`${table}: the log has ${row}, the source has not`)
  }
  const { rows: ledger } = await client.query<{ xid: string; kind: string; accounts: number; events: number }>(
    'SELECT xid, kind, accounts, events FROM ledger',
  )
  const snapshotted = ledger.filter(({ xid }) => !judge.seen.has(xid)).length
  for (const { xid, kind, accounts, events } of ledger) {
    const tables = judge.seen.get(xid)
    if (tables === undefined || judge.miscounted.has(xid)) continue
    const [a, e, l] = [tables.get('accounts') ?? 0, tables.get('events') ?? 0, tables.get('ledger') ?? 0]
    if (a !== accounts || e !== events || l !== 1) {
      differences.push(`${xid} (${kind}) did ${accounts} accounts, ${events} events; the log says ${a}, ${e}`)
    }
  }
  // What is not in the log as a transaction must have come with the snapshot.
  return { differences, ledger: ledger.length - snapshotted }
}

function plainName(collection: string): string {
  return collection.slice(collection.indexOf('.') + 1)
}

function keyOf(row: Row): string {
  return String(row.id)
}

/** The same for a value of Avro and of pg: columns in one order, numbers as their digits. */
function textOf(row: Row): string {
  return Object.keys(row)
    .sort()
    .map((column) => `${column}=${row[column]}`)
    .join(' ')
}
