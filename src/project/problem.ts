import type { ErrorCode, ErrorReport, MillraceError } from '../errors.ts'

/** One thing wrong with a declaration, or with what is out there against it. Collected, never thrown: people fix a list in one sitting. */
export interface Problem extends ErrorReport {
  readonly code: ErrorCode
  /** An `error` keeps `plan` and `apply` from going on; a `warning` does not. */
  readonly severity: 'error' | 'warning'
  /** Declaration file, from the project's folder on. */
  readonly file: string | null
  readonly line: number | null
  /** Path of the culprit inside the declaration, as in `tables.orders.columns`. */
  readonly field: string | null
}

/** Where a problem is. */
export interface Place {
  readonly file?: string
  readonly line?: number | undefined
  readonly field?: string
}

export function problem(error: MillraceError, place: Place = {}, severity: Problem['severity'] = 'error'): Problem {
  return {
    ...error.toJSON(),
    severity,
    file: place.file ?? null,
    line: place.line ?? null,
    field: place.field ?? null,
  }
}

/** Errors first, then by file, line and field, so that two runs say the same. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const order = (one: Problem): readonly (string | number)[] => [
    one.severity === 'error' ? 0 : 1,
    one.file ?? '',
    one.line ?? 0,
    one.field ?? '',
    one.code,
    one.message,
  ]
  return [...problems].sort((left, right) => compare(order(left), order(right)))
}

function compare(left: readonly (string | number)[], right: readonly (string | number)[]): number {
  const at = left.findIndex((item, index) => item !== right[index])
  if (at === -1) return 0
  return left[at]! < right[at]! ? -1 : 1
}
