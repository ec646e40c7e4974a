import pc from 'picocolors'
import { type ErrorReport, isMillraceError, messageOf } from '../errors.ts'

/** What a command shows: lines for people on stdout, or with `--json` one document for machines and nothing else. */
export interface Output {
  readonly json: boolean
  /** A line for people; dropped with `--json`. */
  line(text?: string): void
  /** Progress: a line for people that is no result. Goes to stderr, so that a pipe gets results only; with `--json` too. */
  progress(text: string): void
  /** The result for machines; dropped without `--json`. */
  result(value: unknown): void
}

export function output(json: boolean): Output {
  return {
    json,
    line(text = '') {
      if (!json) process.stdout.write(`${text}\n`)
    },
    progress(text) {
      process.stderr.write(`${pc.dim(text)}\n`)
    },
    result(value) {
      if (json) process.stdout.write(`${JSON.stringify(value, plainly, 2)}\n`)
    },
  }
}

/** An error as three lines: what is wrong, what to do, and the code to look it up by. */
export function errorLines(report: ErrorReport, mark = pc.red('error')): string {
  return `${mark} ${report.message} ${pc.dim(`[${report.code}]`)}\n      ${report.remedy}`
}

/** Anything thrown, as an error of the table where it is one. What is not ours is shown as it came, with its stack under DEBUG. */
export function thrownLines(thrown: unknown): string {
  if (isMillraceError(thrown)) return errorLines(thrown.toJSON())
  if (thrown instanceof AggregateError) return thrown.errors.map(thrownLines).join('\n')
  const stack = process.env.DEBUG !== undefined && thrown instanceof Error ? `\n${thrown.stack}` : ''
  return `${pc.red('error')} ${messageOf(thrown)}${stack}`
}

/** JSON has no bigint: offsets and LSNs travel as strings. Maps travel as objects. */
function plainly(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}
