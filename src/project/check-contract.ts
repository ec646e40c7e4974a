import { avroName } from '../contract/debezium/names.ts'
import { canStandForUnchanged } from '../contract/debezium/placeholder.ts'
import { scalarTypes, type TableContract, tableName } from '../contract/table.ts'
import { fault } from '../errors.ts'
import { type Problem, problem } from './problem.ts'

/** What in a table's contract the log could not carry. `millrace types` refuses the same; a file may be older, or edited. */
export function checkContract(contract: TableContract, file: string): readonly Problem[] {
  const table = tableName(contract)
  const place = { file, field: 'tables' }
  const problems: Problem[] = []
  const names = new Map<string, string>()
  for (const { name: column, type, unchangeable } of contract.columns) {
    if (!scalarTypes.includes(type.name)) {
      problems.push(problem(fault('CONTRACT_TYPE_UNSUPPORTED', { table, column, type: type.name }), place))
    } else if (unchangeable && !canStandForUnchanged(type)) {
      const spelled = `${type.name}${type.array ? '[]' : ''}`
      problems.push(problem(fault('CONTRACT_UNCHANGED_UNREADABLE', { table, column, type: spelled }), place))
    }
    const other = names.get(avroName(column))
    if (other !== undefined) problems.push(problem(fault('CONTRACT_NAME_COLLISION', { table, column, other }), place))
    names.set(avroName(column), column)
  }
  if (contract.key.length === 0) problems.push(problem(fault('CONTRACT_KEY_MISSING', { table }), place))
  return problems
}
