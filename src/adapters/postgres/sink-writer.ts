import { type ColumnValue, unchanged } from '../../contract/values.ts'
import type { SinkChange } from '../../engine/ports.ts'
import type { Session } from './connection.ts'
import type { WriteContext } from './faults.ts'
import { valueText } from './literals.ts'
import type { RowImage } from './merge.ts'
import { keyLabel, keyPlaces } from './row-key.ts'
import type { SinkTable } from './sink-tables.ts'
import type { StatementNames } from './statement-names.ts'
import { parametersOf, placesOf, type SetStatement, shapeOf, type TableStatements } from './write-statements.ts'

/** Rows of one statement. More gain nothing: the server is the slower side from about a thousand on. */
const statementRowsMax = 2_000
/** Characters of one statement's parameters, so that wide rows do not make it huge. */
const statementSizeMax = 4_000_000
/** Statements sent ahead of the first answer that is missing. */
const aheadMax = { sets: 2, rows: 64 } as const

/** What a failed statement was about, next to what the server said. */
export class WriteError extends Error {
  readonly context: WriteContext

  constructor(cause: unknown, context: WriteContext) {
    super('a write failed', { cause })
    this.context = context
  }
}

/**
 * Sends writes of one transaction without waiting for each answer. `finish` waits for all; the first failure is the one told, for
 * those behind it fail only because the transaction did.
 */
export class SinkWriter {
  readonly #session: Session
  readonly #names: StatementNames
  readonly #into: 'target' | 'staging'
  readonly #aheadMax: number
  readonly #under: Promise<void>[] = []
  #failed: WriteError | undefined
  readonly missing: SinkChange[] = []

  constructor(session: Session, names: StatementNames, into: 'target' | 'staging', pace: 'sets' | 'rows') {
    this.#session = session
    this.#names = names
    this.#into = into
    this.#aheadMax = aheadMax[pace]
  }

  async upsert(table: SinkTable, rows: readonly RowImage[]): Promise<void> {
    for (const [places, shaped] of byShape(rows)) await this.#write(table, this.#of(table).upsert(places), shaped)
  }

  async update(table: SinkTable, rows: readonly RowImage[]): Promise<void> {
    for (const [places, shaped] of byShape(rows)) await this.#write(table, this.#of(table).update(places), shaped)
  }

  async delete(table: SinkTable, rows: readonly RowImage[]): Promise<void> {
    if (rows.length > 0) await this.#write(table, this.#of(table).delete(), rows)
  }

  async move(table: SinkTable, change: SinkChange & { readonly op: 'move' }): Promise<void> {
    const statement = this.#of(table).move(placesOf(shapeOf(change.values), change.values.length))
    const old = parametersText(keyPlaces(table.target), change.from)
    const parameters = [...old, ...parametersText(statement.places, change.values)]
    const context = { table: nameOf(table), row: keyLabel(table.target, change.from) }
    await this.#send(statement.text, parameters, context, (found) => {
      if (found.count === 0) this.missing.push(change)
    })
  }

  /** Any other statement, in its place among the writes. */
  async run(text: string, context: WriteContext = {}): Promise<void> {
    await this.#send(text, undefined, context, () => {})
  }

  async finish(): Promise<void> {
    while (this.#under.length > 0) await this.#under.shift()
    if (this.#failed) throw this.#failed
  }

  #of(table: SinkTable): TableStatements {
    return table.writes[this.#into]
  }

  async #write(table: SinkTable, statement: SetStatement, rows: readonly RowImage[]): Promise<void> {
    for (const part of parts(rows)) {
      const only = part.length === 1 ? { row: keyLabel(table.target, part[0]!.values) } : {}
      const context = { table: nameOf(table), ...only }
      await this.#send(statement.text, parametersOf(statement.places, part), context, (found) => {
        for (const { n } of found.rows) this.missing.push(...part[n - 1]!.partials)
      })
    }
  }

  async #send(
    text: string,
    parameters: readonly (string | null)[] | undefined,
    context: WriteContext,
    answered: (found: { readonly rows: readonly { readonly n: number }[]; readonly count: number }) => void,
  ): Promise<void> {
    while (this.#under.length >= this.#aheadMax) await this.#under.shift()
    if (this.#failed) throw this.#failed
    const name = parameters && this.#names.nameOf(text)
    const answer = this.#session.query<{ n: number }>(text, parameters, name === undefined ? {} : { name })
    this.#under.push(
      answer.then(
        (result) => answered({ rows: result.command === 'SELECT' ? result.rows : [], count: result.rowCount ?? 0 }),
        (error) => {
          this.#failed ??= new WriteError(error, context)
        },
      ),
    )
  }
}

function nameOf({ target }: SinkTable): string {
  return `${target.schema}.${target.table}`
}

/** Groups rows by which of their columns are to be written, in the order the shapes appear. */
function* byShape(rows: readonly RowImage[]): Generator<readonly [readonly number[], readonly RowImage[]]> {
  const shapes = new Map<string, RowImage[]>()
  for (const row of rows) {
    const shape = shapeOf(row.values)
    const same = shapes.get(shape)
    if (same) same.push(row)
    else shapes.set(shape, [row])
  }
  for (const [shape, same] of shapes) yield [placesOf(shape, same[0]!.values.length), same]
}

function* parts(rows: readonly RowImage[]): Generator<readonly RowImage[]> {
  let start = 0
  let size = 0
  for (let at = 0; at < rows.length; at++) {
    const next = sizeOf(rows[at]!.values)
    if (at > start && (at - start >= statementRowsMax || size + next > statementSizeMax)) {
      yield rows.slice(start, at)
      start = at
      size = 0
    }
    size += next
  }
  if (start < rows.length) yield start === 0 ? rows : rows.slice(start)
}

function sizeOf(values: readonly ColumnValue[]): number {
  let size = 0
  for (const value of values) {
    if (typeof value === 'string') size += value.length
    else if (value instanceof Uint8Array) size += 2 * value.length
    else if (Array.isArray(value)) size += sizeOf(value)
    else size += 8
  }
  return size
}

function parametersText(places: readonly number[], values: readonly ColumnValue[]): (string | null)[] {
  return places.map((place) => {
    const value = values[place]
    if (value === null || value === undefined || value === unchanged) return null
    return valueText(value as Exclude<ColumnValue, null | undefined | symbol>)
  })
}
