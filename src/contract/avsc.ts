import { fault } from '../errors.ts'
import { Malformed } from './malformed.ts'
import { sqlType } from './pg-type.ts'
import {
  type ColumnContract,
  type ColumnType,
  type ForeignKey,
  type ScalarType,
  scalarTypes,
  type TableContract,
} from './table.ts'

/**
 * The row contract of a table as an Avro schema, and back. Avro says what a row looks like to anyone; what only Postgres and
 * millrace know stands beside it under `millrace`, so that the file alone restores the contract.
 */

/** The file's text: stable order, so that a contract that did not change leaves the file as it is. */
export function contractFile(contract: TableContract): string {
  return `${JSON.stringify(rowSchema(contract), null, 2)}\n`
}

/** Where a contract's file is, from the project's folder. */
export function contractPath(contract: Pick<TableContract, 'source' | 'schema' | 'table'>): string {
  return `schemas/${contract.source}/${fileName(contract.schema)}.${fileName(contract.table)}.avsc`
}

/** The Avro schema of a table's row. */
export function rowSchema(contract: TableContract): object {
  return {
    type: 'record',
    name: avroWord(contract.table),
    namespace: `${contract.source.split('/').map(avroWord).join('.')}.${avroWord(contract.schema)}`,
    millrace: {
      source: contract.source,
      schema: contract.schema,
      table: contract.table,
      key: contract.key,
      replicaIdentity: contract.replicaIdentity,
      foreignKeys: contract.foreignKeys.map(({ name, columns, references }) => ({ name, columns, references })),
      uniques: contract.uniques,
    },
    fields: contract.columns.map((column, index) => field(column, index, contract.columns)),
  }
}

/** Reads a contract back. Throws `CONTRACT_FILE_INVALID` naming `file` and what is wrong with it. */
export function parseContract(json: string, file: string): TableContract {
  const invalid = (reason: string, cause?: unknown) => fault('CONTRACT_FILE_INVALID', { file, reason }, cause)
  let schema: unknown
  try {
    schema = JSON.parse(json)
  } catch (cause) {
    throw invalid('it is not JSON', cause)
  }
  try {
    const record = object(schema, 'the file')
    const about = object(record.millrace, 'millrace')
    const key = texts(about.key, 'millrace.key')
    const columns = list(record.fields, 'fields').map(column)
    for (const name of key) {
      if (!columns.some((own) => own.name === name)) throw new Malformed(`millrace.key: there is no column ${name}`)
    }
    if (key.length === 0) throw new Malformed('millrace.key: it is empty')
    const identity = text(about.replicaIdentity, 'millrace.replicaIdentity')
    if (identity !== 'default' && identity !== 'full') throw new Malformed(`millrace.replicaIdentity: not ${identity}`)
    return {
      source: text(about.source, 'millrace.source'),
      schema: text(about.schema, 'millrace.schema'),
      table: text(about.table, 'millrace.table'),
      key,
      columns,
      replicaIdentity: identity,
      foreignKeys: list(about.foreignKeys, 'millrace.foreignKeys').map(foreignKey),
      uniques: list(about.uniques, 'millrace.uniques').map((unique) => texts(unique, 'millrace.uniques')),
    }
  } catch (cause) {
    throw invalid((cause as Error).message, cause)
  }
}

function field(column: ColumnContract, index: number, columns: readonly ColumnContract[]): object {
  const twice = columns.findIndex((other) => avroWord(other.name) === avroWord(column.name)) !== index
  const scalar = scalarSchema(column)
  const type = column.type.array ? { type: 'array', items: ['null', scalar] } : scalar
  return {
    name: twice ? `${avroWord(column.name)}_${index}` : avroWord(column.name),
    doc: sqlType(column.type),
    type: column.nullable ? ['null', type] : type,
    millrace: {
      column: column.name,
      type: column.type.name,
      ...(column.type.array ? { array: true } : {}),
      ...(column.type.precision === undefined ? {} : { precision: column.type.precision }),
      ...(column.type.scale === undefined ? {} : { scale: column.type.scale }),
      ...(column.type.length === undefined ? {} : { length: column.type.length }),
      ...(column.type.enum === undefined ? {} : { enum: column.type.enum }),
      ...(column.unchangeable ? { unchangeable: true } : {}),
    },
  }
}

/** Standard logical types only where they hold every value: none has an infinity, and Avro's decimal has no NaN. */
function scalarSchema({ name, type }: ColumnContract): unknown {
  switch (type.name) {
    case 'bool':
      return 'boolean'
    case 'int2':
    case 'int4':
      return 'int'
    case 'int8':
      return 'long'
    case 'float4':
      return 'float'
    case 'float8':
      return 'double'
    case 'bytea':
      return 'bytes'
    case 'uuid':
      return { type: 'string', logicalType: 'uuid' }
    case 'numeric':
      return decimal(type)
    case 'enum':
      return enumeration(name, type)
    default:
      return 'string'
  }
}

function decimal({ precision, scale = 0 }: ColumnType): unknown {
  if (precision === undefined || scale < 0 || scale > precision) return 'string'
  return { type: 'bytes', logicalType: 'decimal', precision, scale }
}

function enumeration(column: string, type: ColumnType): unknown {
  const symbols = type.enum?.values ?? []
  const plain = symbols.every((symbol) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(symbol)) && symbols.length > 0
  // Named after the column: an Avro name may be defined once only, a Postgres enum is used by many columns.
  return plain ? { type: 'enum', name: `${avroWord(column)}_${avroWord(type.enum?.name ?? '')}`, symbols } : 'string'
}

function column(value: unknown): ColumnContract {
  const field = object(value, 'fields')
  const about = object(field.millrace, 'a field: millrace')
  const name = text(about.column, 'a field: millrace.column')
  const type = text(about.type, `${name}: millrace.type`)
  if (!(scalarTypes as readonly string[]).includes(type))
    throw new Malformed(`${name}: ${type} is not a type of contracts`)
  return {
    name,
    type: {
      name: type as ScalarType,
      array: about.array === true,
      ...numberIn(about, 'precision'),
      ...numberIn(about, 'scale'),
      ...numberIn(about, 'length'),
      ...(about.enum === undefined ? {} : { enum: enumOf(about.enum, name) }),
    },
    nullable: Array.isArray(field.type),
    unchangeable: about.unchangeable === true,
  }
}

function enumOf(value: unknown, name: string): NonNullable<ColumnType['enum']> {
  const about = object(value, `${name}: millrace.enum`)
  return {
    schema: text(about.schema, `${name}: millrace.enum.schema`),
    name: text(about.name, `${name}: millrace.enum.name`),
    values: texts(about.values, `${name}: millrace.enum.values`),
  }
}

function foreignKey(value: unknown): ForeignKey {
  const about = object(value, 'millrace.foreignKeys')
  const references = object(about.references, 'millrace.foreignKeys.references')
  return {
    name: text(about.name, 'millrace.foreignKeys.name'),
    columns: texts(about.columns, 'millrace.foreignKeys.columns'),
    references: {
      schema: text(references.schema, 'millrace.foreignKeys.references.schema'),
      table: text(references.table, 'millrace.foreignKeys.references.table'),
      columns: texts(references.columns, 'millrace.foreignKeys.references.columns'),
    },
  }
}

function numberIn(about: Record<string, unknown>, name: 'precision' | 'scale' | 'length'): Record<string, number> {
  const value = about[name]
  return typeof value === 'number' ? { [name]: value } : {}
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Malformed(`${where}: it is missing`)
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new Malformed(`${where}: it is not a list`)
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  throw new Malformed(`${where}: it is missing`)
}

function texts(value: unknown, where: string): readonly string[] {
  return list(value, where).map((item) => text(item, where))
}

function avroWord(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_]/g, '_')
  return /^[0-9]/.test(word) || word === '' ? `_${word}` : word
}

/** A file name of any table name: what file systems or globs give a meaning is percent-encoded. */
function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}_ -]/gu, (character) => encodeURIComponent(character).replaceAll('.', '%2E'))
}
