import { type ColumnContract, type ColumnType, type TableContract, tableName } from '../contract/table.ts'
import type { TargetColumn } from '../contract/target-table.ts'
import type { ColumnValue } from '../contract/values.ts'
import { fault, isMillraceError, type MillraceError, messageOf } from '../errors.ts'
import { sameKeyValue } from './row-mapper.ts'
import { type RowObject, rowView } from './row-view.ts'
import { sampleRows } from './sample-row.ts'
import type { TableSyncOptions } from './table-options.ts'
import { describeValue, fitsType, typeOfValue } from './value-type.ts'

/** What trying a table's functions on sample rows tells: the target's columns, and everything that is wrong. */
export interface Probe {
  readonly columns: readonly TargetColumn[]
  readonly problems: readonly MillraceError[]
}

export function probeTable(sync: string, entry: string, contract: TableContract, options: TableSyncOptions): Probe {
  const problems: MillraceError[] = []
  const context = { sync, entry }
  const samples = sampleRows(contract)
  if (options.where) probeWhere(context, contract, options, samples, problems)
  if (options.row) return { columns: probeRow(context, contract, options, samples, problems), problems }

  const names = options.columns ?? contract.columns.map((column) => column.name)
  const copied = contract.columns.filter((column) => names.includes(column.name))
  if (options.where) {
    for (const { name } of copied.filter((column) => column.unchangeable)) {
      problems.push(fault('WHERE_UNCHANGED', { ...context, table: tableName(contract), column: name }))
    }
  }
  return { columns: copied.map(({ name, type, nullable }) => ({ name, type, nullable })), problems }
}

interface Context {
  readonly sync: string
  readonly entry: string
}

function probeWhere(
  context: Context,
  contract: TableContract,
  options: TableSyncOptions,
  samples: readonly (readonly ColumnValue[])[],
  problems: MillraceError[],
): void {
  const view = rowView(contract, 'where')
  for (const sample of samples) {
    const result = attempt(context, 'where', () => options.where!(view(sample)), problems)
    if (result === failed) return
    if (typeof result === 'boolean') continue
    const found = describeValue(result)
    problems.push(fault('FUNCTION_RESULT', { ...context, function: 'where', found, wanted: 'true or false' }))
    return
  }
}

function probeRow(
  context: Context,
  contract: TableContract,
  options: TableSyncOptions,
  samples: readonly (readonly ColumnValue[])[],
  problems: MillraceError[],
): TargetColumn[] {
  const view = rowView(contract, 'row')
  const outputs: RowObject[] = []
  for (const sample of samples) {
    const result = attempt(context, 'row', () => options.row!(view(sample)), problems)
    if (result === failed) return []
    if (typeof result !== 'object' || result === null || Array.isArray(result) || result instanceof Promise) {
      const found = describeValue(result)
      problems.push(fault('FUNCTION_RESULT', { ...context, function: 'row', found, wanted: 'a row' }))
      return []
    }
    outputs.push(result as RowObject)
    for (const key of contract.key) {
      const before = view(sample)[key]
      if (!(key in result)) problems.push(fault('ROW_KEY', { ...context, what: 'drops', column: key }))
      else if (!sameKeyValue((result as RowObject)[key], before)) {
        problems.push(fault('ROW_KEY', { ...context, what: 'changes', column: key }))
      }
    }
    if (problems.length > 0) return []
  }
  const names = [...new Set(outputs.flatMap((output) => Object.keys(output)))]
  return names.flatMap((name) => {
    const type = columnTypeOf(name, contract, options, outputs, context, problems)
    return type ? [{ name, type, nullable: !contract.key.includes(name) }] : []
  })
}

/** Declared, or the source column's where the values fit it, or what the values tell. */
function columnTypeOf(
  name: string,
  contract: TableContract,
  options: TableSyncOptions,
  outputs: readonly RowObject[],
  context: Context,
  problems: MillraceError[],
): ColumnType | undefined {
  const values = outputs.map((output) => output[name])
  const declared = options.types && Object.hasOwn(options.types, name) ? options.types[name] : undefined
  const source: ColumnContract | undefined = contract.columns.find((column) => column.name === name)
  const told = values.map(typeOfValue).find((type) => type !== undefined)
  let type: ColumnType | undefined = told
  if (declared) type = { name: declared, array: told?.array ?? false }
  else if (source && values.every((value) => fitsType(value, source.type))) type = source.type
  if (!type) {
    const unusable = values.find((value) => value !== null && value !== undefined && !Array.isArray(value))
    problems.push(
      unusable === undefined
        ? fault('ROW_COLUMN_UNTYPED', { ...context, column: name })
        : fault('FUNCTION_RESULT', {
            ...context,
            function: 'row',
            found: `${describeValue(unusable)} for ${name}`,
            wanted: 'a column value (boolean, number, bigint, string, Decimal, Uint8Array, array of these, null)',
          }),
    )
    return undefined
  }
  const misfit = values.find((value) => !fitsType(value, type))
  if (misfit === undefined) return type
  const found = `${describeValue(misfit)} for ${name}`
  problems.push(fault('FUNCTION_RESULT', { ...context, function: 'row', found, wanted: `a value of ${type.name}` }))
  return undefined
}

const failed = Symbol('failed')

function attempt(context: Context, name: 'where' | 'row', run: () => unknown, problems: MillraceError[]): unknown {
  try {
    return run()
  } catch (error) {
    problems.push(
      isMillraceError(error)
        ? error
        : fault('FUNCTION_THROWS', { ...context, function: name, reason: messageOf(error) }, error),
    )
    return failed
  }
}
