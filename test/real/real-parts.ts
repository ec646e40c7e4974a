import { readFileSync } from 'node:fs'

/** Addresses of the real parts that were started for the run. */
export interface RealParts {
  readonly kafka: string
  readonly connect: string
  readonly registry: string
  readonly secretsDir: string
}

export function realParts(): RealParts {
  return JSON.parse(readFileSync(process.env.MILLRACE_PARTS_FILE!, 'utf8')) as RealParts
}
