import { fault, isMillraceError, messageOf } from '../../errors.ts'
import type { LogDecoder, LogEvent, LogRecord } from '../log-event.ts'
import { Malformed } from '../malformed.ts'
import { tableName } from '../table.ts'
import { type ColumnValue, unchanged } from '../values.ts'
import { read } from './generic.ts'
import { logicalMessage, type NoticeReader, snapshotNotice, transactionMarker } from './notices.ts'
import { type Placeholder, placeholder } from './placeholder.ts'
import { type Envelope, type RowDecoder, rowDecoder, type TableReading } from './row-decoder.ts'
import { Tap } from './tap.ts'
import { parseWriterSchema, type RecordNode } from './writer-schema.ts'

export interface LogDecoderOptions {
  /** Tables of one source that the reader reads. Records of others are skipped undecoded. */
  readonly tables: readonly TableReading[]
  /** The source's `unavailable.value.placeholder`. */
  readonly placeholder: string
  /** The writer schema of an id, as parsed JSON. Rejects with a retriable error when the registry is away. */
  readonly fetchSchema: (id: number) => Promise<unknown>
}

/**
 * Decodes a source's log: Debezium's records in Confluent's wire format (a zero byte, the schema id, Avro's binary form).
 *
 * One straight-line decoder is made per writer schema and table; decoding itself is synchronous. Delivers for a key update
 * what Debezium writes: a delete, then an insert whose unchanged columns are `unchanged`.
 */
export function debeziumLogDecoder(options: LogDecoderOptions): LogDecoder {
  return new DebeziumLogDecoder(options)
}

/** What a writer schema's records are. Null: this reader does not read them. */
type Plan = NoticePlan | RowPlan | { readonly unusable: string } | null
interface NoticePlan {
  readonly schema: RecordNode
  readonly notice: NoticeReader
}
interface RowPlan {
  readonly tables: readonly TablePlan[]
}
interface TablePlan {
  readonly schema: RecordNode
  readonly reading: TableReading
  /** The reason, where the record cannot become what the contract says. */
  readonly rows: RowDecoder | string
  /** Columns that must not be unchanged, and those of them that are in the key and then found in `before`. */
  readonly whole: readonly number[]
}

const wireHeaderBytes = 5
/** More schemas than a source makes in the life of its log; bounds memory should ids ever be invented. */
const plansMax = 10_000
const fetchesAtOnce = 8

class DebeziumLogDecoder implements LogDecoder {
  private readonly plans = new Map<number, Plan>()
  private readonly tap = new Tap()
  private readonly placeholder: Placeholder
  private readonly envelope: Envelope = {
    op: 0,
    beforeAt: -1,
    after: undefined,
    lsn: 0,
    transaction: null,
    ours: true,
  }
  private readonly options: LogDecoderOptions

  constructor(options: LogDecoderOptions) {
    this.options = options
    this.placeholder = placeholder(options.placeholder)
  }

  async prepare(records: readonly LogRecord[]): Promise<void> {
    const missing = new Set<number>()
    for (const { value } of records) {
      if (value === null || value.length < wireHeaderBytes || value[0] !== 0) continue
      const id = value.readInt32BE(1)
      if (!this.plans.has(id)) missing.add(id)
    }
    const ids = [...missing]
    while (ids.length > 0) {
      await Promise.all(
        ids.splice(0, fetchesAtOnce).map(async (id) => this.keep(id, this.plan(await this.options.fetchSchema(id)))),
      )
    }
  }

  decode(record: LogRecord): LogEvent | undefined {
    const { value } = record
    if (value === null) return undefined
    if (value.length < wireHeaderBytes || value[0] !== 0) {
      throw undecodable(record, -1, 'the value is not in the wire format of the registry')
    }
    const id = value.readInt32BE(1)
    const plan = this.plans.get(id)
    if (plan === null) return undefined
    if (plan === undefined) throw undecodable(record, id, 'its schema was not prepared')
    if ('unusable' in plan) throw undecodable(record, id, plan.unusable)
    try {
      this.tap.open(value, wireHeaderBytes)
      if ('tables' in plan) return this.row(value, plan)
      const event = plan.notice(plan.schema, this.tap)
      this.tap.checkEnd()
      return event
    } catch (thrown) {
      throw isMillraceError(thrown) ? thrown : undecodable(record, id, messageOf(thrown), thrown)
    }
  }

  private row(value: Buffer, plan: RowPlan): LogEvent | undefined {
    for (const table of plan.tables) {
      const event = this.tableEvent(value, table)
      if (event !== undefined) return event
    }
    return undefined
  }

  private tableEvent(value: Buffer, plan: TablePlan): LogEvent | undefined {
    const { tap, envelope } = this
    tap.open(value, wireHeaderBytes)
    if (typeof plan.rows === 'string') {
      if (isOf(plan, tap)) throw new Malformed(plan.rows)
      return undefined
    }
    plan.rows.envelope(tap, envelope)
    tap.checkEnd()
    if (!envelope.ours) return undefined
    const { contract } = plan.reading
    const { transaction } = envelope
    const op = operations.get(envelope.op)
    if (op === 'truncate') return { kind: 'truncate', transaction, table: contract }
    if (op === undefined) throw new Malformed(`op: ${JSON.stringify(String.fromCharCode(envelope.op))} is not known`)
    const row = op === 'delete' ? this.before(plan.rows) : envelope.after
    if (row === undefined) throw new Malformed(`${op === 'delete' ? 'before' : 'after'}: it is null`)
    if (op === 'delete') return this.change(envelope, { table: contract, op, row })
    for (const place of plan.whole) {
      if (row[place] !== unchanged) continue
      row[place] = contract.key.includes(contract.columns[place]!.name) ? this.before(plan.rows)?.[place] : unchanged
      if (row[place] === unchanged || row[place] === undefined) {
        const column = contract.columns[place]!.name
        throw new Malformed(
          `${tableName(contract)}.${column}: unchanged by the update, and the contract says it never is`,
        )
      }
    }
    return this.change(envelope, { table: contract, op, row })
  }

  private change(envelope: Envelope, change: (LogEvent & { kind: 'change' })['change']): LogEvent {
    return { kind: 'change', transaction: envelope.transaction, lsn: BigInt(envelope.lsn), change }
  }

  private before(rows: RowDecoder): ColumnValue[] | undefined {
    if (this.envelope.beforeAt < 0) return undefined
    this.tap.at = this.envelope.beforeAt
    const key = rows.key(this.tap)
    this.tap.checkEnd()
    return key
  }

  private plan(schema: unknown): Plan {
    try {
      const node = parseWriterSchema(schema)
      if (node.kind !== 'record') return null
      const notice = notices.find(([ending]) => node.name.endsWith(ending))
      if (notice !== undefined) return { schema: node, notice: notice[1] }
      if (!node.name.endsWith('.Envelope')) return null
      const tables = this.options.tables.filter(({ contract }) =>
        node.name.endsWith(`.${fullAvroName(contract.schema)}.${fullAvroName(contract.table)}.Envelope`),
      )
      return tables.length === 0 ? null : { tables: tables.map((reading) => this.tablePlan(node, reading)) }
    } catch (thrown) {
      return { unusable: messageOf(thrown) }
    }
  }

  private tablePlan(node: RecordNode, reading: TableReading): TablePlan {
    const { contract } = reading
    const whole = contract.columns.flatMap((column, place) => (column.unchangeable ? [] : [place]))
    try {
      return { schema: node, reading, rows: rowDecoder(node, reading, this.placeholder), whole }
    } catch (thrown) {
      return { schema: node, reading, rows: messageOf(thrown), whole }
    }
  }

  private keep(id: number, plan: Plan): void {
    if (this.plans.size >= plansMax) this.plans.delete(this.plans.keys().next().value!)
    this.plans.set(id, plan)
  }
}

/** Whether the event is of that very table, and not of one whose name became the same in Avro. */
function isOf(plan: TablePlan, tap: Tap): boolean {
  const { source } = read(plan.schema, tap) as { source?: { schema?: unknown; table?: unknown } }
  return source?.schema === plan.reading.contract.schema && source.table === plan.reading.contract.table
}

const operations: ReadonlyMap<number, 'insert' | 'update' | 'delete' | 'load' | 'truncate'> = new Map([
  [0x63, 'insert'],
  [0x75, 'update'],
  [0x64, 'delete'],
  [0x72, 'load'],
  [0x74, 'truncate'],
])

const notices: readonly (readonly [string, NoticeReader])[] = [
  ['.TransactionMetadataValue', transactionMarker],
  ['.Notification', snapshotNotice],
  ['.MessageValue', logicalMessage],
]

/** A table's or schema's name inside a full Avro name, where dots stay. */
function fullAvroName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.]/g, '_')
}

function undecodable(record: LogRecord, schemaId: number, reason: string, cause?: unknown) {
  const colon = reason.indexOf(': ')
  const field = colon < 0 ? 'the record' : reason.slice(0, colon)
  const facts = { offset: record.offset, schemaId, field, reason: colon < 0 ? reason : reason.slice(colon + 2) }
  return fault('RECORD_UNDECODABLE', facts, cause)
}
