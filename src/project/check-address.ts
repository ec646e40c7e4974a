import type { Config } from '../declare/config.ts'
import type { PostgresAddress } from '../declare/postgres-address.ts'
import { nearest } from '../declare/shape.ts'
import { fault } from '../errors.ts'
import { addressProblem } from './address.ts'
import { type Problem, problem } from './problem.ts'

/** What is wrong with where a declaration says its database is. `prefix` is where the address stands in it, as in `to.`. */
export function checkAddress(address: PostgresAddress, config: Config, file: string, prefix = ''): readonly Problem[] {
  const wrong = addressProblem(address)
  if (wrong !== undefined) {
    const field = prefix + wrong.field
    return [problem(fault('ADDRESS_INCOMPLETE', { file, field, reason: wrong.reason }), { file, field })]
  }
  const databases = config.databases ?? {}
  if (address.database === undefined || Object.hasOwn(databases, address.database)) return []
  const field = `${prefix}database`
  const name = address.database
  const near = nearest(name, Object.keys(databases))
  const known = near === undefined ? Object.keys(databases).join(', ') || 'none' : `${near} is near`
  return [problem(fault('DATABASE_UNKNOWN', { file, field, name, known }), { file, field })]
}
