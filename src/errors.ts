/**
 * One table of everything millrace refuses or reports: code, message, remedy, whether trying again can help.
 *
 * `{name}` marks a fact. Facts travel as properties too, so that logs and dashboards need not parse sentences. A code, once
 * released, is never reused for another meaning.
 */
interface ErrorRow {
  /** What is wrong, naming the culprit. */
  readonly message: string
  /** The next thing to do, exactly. */
  readonly remedy: string
  /** True when the cause is the environment and waiting can heal it. */
  readonly retriable: boolean
}

const table = {
  // Declarations
  DECLARATION_INVALID: {
    message: '{file}: {field}: {reason}',
    remedy: 'Correct this field of the declaration.',
    retriable: false,
  },
  DECLARATION_LOAD: {
    message: '{file} could not be loaded: {reason}',
    remedy: 'Correct the file; it must run and export one declaration as its default export.',
    retriable: false,
  },
  SECRET_MISSING: {
    message: 'The secret {name} has no value.',
    remedy: 'Set the environment variable {name}, or write the value to .millrace/secrets/{name} (mode 0600).',
    retriable: false,
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof table

type FactNames<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | FactNames<Rest>
  : never

/** The facts an error of this code must be given: every `{name}` of its message and remedy. */
export type ErrorFacts<Code extends ErrorCode> = {
  readonly [Name in FactNames<(typeof table)[Code]['message'] | (typeof table)[Code]['remedy']>]:
    | string
    | number
    | bigint
}

const brand = Symbol.for('millrace.error')

/** Every error millrace itself raises. What a library or user code threw is its `cause`. */
export class MillraceError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly remedy: string
  readonly retriable: boolean
  readonly facts: Readonly<Record<string, string | number | bigint>>

  constructor(code: ErrorCode, facts: Readonly<Record<string, string | number | bigint>>, cause?: unknown) {
    const row: ErrorRow = table[code]
    super(fill(row.message, facts), cause === undefined ? undefined : { cause })
    this.name = 'MillraceError'
    this.code = code
    this.remedy = fill(row.remedy, facts)
    this.retriable = row.retriable
    this.facts = facts
  }

  /** For logs and `--json`: plain data, without the cause. */
  toJSON(): ErrorReport {
    return { code: this.code, message: this.message, remedy: this.remedy, retriable: this.retriable }
  }
}

/** An error as data, as `--json`, logs and status show it. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
  readonly retriable: boolean
}

/** Makes an error of the table; the compiler asks for every fact its sentences mention. */
export function fault<Code extends ErrorCode>(code: Code, facts: ErrorFacts<Code>, cause?: unknown): MillraceError {
  return new MillraceError(code, facts as Readonly<Record<string, string | number | bigint>>, cause)
}

/** True for errors of ours, whichever copy of the module made them. */
export function isMillraceError(value: unknown): value is MillraceError {
  return typeof value === 'object' && value !== null && brand in value
}

/** The whole table, for the reference and the tests that compare it with the docs. */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = table

/** The message of anything thrown, without `[object Object]`. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  if (thrown instanceof Error) return thrown.message
  return String(thrown)
}

function fill(text: string, facts: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in facts ? String(facts[name]) : whole))
}
