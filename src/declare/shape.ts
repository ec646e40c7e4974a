import { z } from 'zod'
import { scalarTypes } from '../contract/table.ts'
import { declarationKind } from './brand.ts'

/** What is wrong with a field of a declaration. */
export interface ShapeProblem {
  /** `tables.orders.columns[1]`; empty when it is the declaration itself. */
  readonly field: string
  readonly reason: string
}

const text = z.string().min(1, 'must not be empty')
const count = z.int('must be a whole number').positive('must be greater than zero')
const port = count.max(65535, 'must be at most 65535')
const pure = z.custom<unknown>((value) => typeof value === 'function', 'must be a function')
const secret = z.strictObject({ kind: z.literal('secret'), name: text }, "must be a secret: secret('NAME')")
const tableName = z.string().regex(/^[^.]+\.[^.]+$/, 'must be schema.table')

const address = {
  url: text.optional(),
  database: text.optional(),
  user: text.optional(),
  password: secret,
}

const shapes = {
  'postgres-source': z.strictObject({
    kind: z.literal('postgres-source'),
    ...address,
    tables: z.array(tableName).min(1, 'must name at least one table'),
    slot: z
      .string()
      .regex(/^[a-z0-9_]{1,63}$/, 'must be lower-case letters, digits and underscores, at most 63')
      .optional(),
    publication: z.string().min(1).max(63, 'must be at most 63 characters').optional(),
    historyDays: z.number().positive('must be greater than zero').max(3650, 'must be at most 3650').optional(),
    recordBytesMax: count.max(1_000_000_000, 'must be at most 1000000000').optional(),
    heartbeatMs: count.optional(),
    pollMs: count.optional(),
    debezium: z.record(z.string(), z.string('must be a string, as Connect takes it')).optional(),
  }),
  sync: z.strictObject({
    kind: z.literal('sync'),
    from: z
      .record(
        z.string(),
        z.looseObject({ kind: z.literal('table', 'must be a table of schemas/') }, 'must be a table of schemas/'),
      )
      .refine((from) => Object.keys(from).length > 0, 'must name at least one table'),
    to: z.strictObject(
      { kind: z.literal('postgres-sink'), ...address, schema: text.optional() },
      'must be a sink: postgresSink({...})',
    ),
    tables: z
      .record(
        z.string(),
        z.strictObject({
          columns: z.array(text).min(1, 'must name at least one column').optional(),
          where: pure.optional(),
          row: pure.optional(),
          types: z.record(z.string(), z.enum(scalarTypes)).optional(),
          foreignKeys: z.enum(['keep', 'omit']).optional(),
          as: text.optional(),
        }),
      )
      .optional(),
    truncate: z.enum(['apply', 'ignore', 'stop']).optional(),
  }),
  config: z.strictObject({
    kind: z.literal('config'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dots, dashes and underscores')
      .optional(),
    databases: z
      .record(
        z.string(),
        z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('embedded'), sql: text.optional(), port: port.optional() }),
          z.strictObject({ kind: z.literal('address'), host: text, port, database: text }),
        ]),
      )
      .optional(),
    kafka: z.strictObject({ brokers: z.array(text).min(1, 'must name at least one broker') }).optional(),
    connect: z
      .strictObject({
        url: z.url('must be a URL'),
        secret: z.string().includes('{name}', 'must hold {name}').optional(),
      })
      .optional(),
    registry: z.strictObject({ url: z.url('must be a URL') }).optional(),
    ports: z.strictObject({ kafka: port.optional(), connect: port.optional(), registry: port.optional() }).optional(),
  }),
} as const

/** Kinds that a file may declare. */
export type DeclarationKind = keyof typeof shapes

export function isDeclarationKind(kind: string | undefined): kind is DeclarationKind {
  return kind !== undefined && kind in shapes
}

/** Everything wrong with a declaration's form: missing, unknown and ill-typed fields. What it means is not looked at. */
export function shapeProblems(declaration: unknown): readonly ShapeProblem[] {
  const kind = declarationKind(declaration)
  if (!isDeclarationKind(kind)) return [{ field: '', reason: 'is not a declaration' }]
  const result = shapes[kind].safeParse(declaration)
  if (result.success) return []
  return result.error.issues.flatMap((issue) => describe(issue, shapes[kind]))
}

function describe(issue: z.core.$ZodIssue, shape: z.ZodObject): readonly ShapeProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ field: path(issue.path), reason: lowerFirst(issue.message) }]
  const known = keysAt(shape, issue.path)
  return issue.keys.map((key) => {
    const near = nearest(key, known)
    return {
      field: path([...issue.path, key]),
      reason: `is not known${near === undefined ? '' : `; did you mean ${near}?`}`,
    }
  })
}

function path(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  )
}

/** Names that the shape has where a path points, as far as it is made of objects and records. */
function keysAt(shape: z.ZodType, keys: readonly PropertyKey[]): readonly string[] {
  const inner = unwrap(shape)
  if (keys.length === 0) return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
  const [first, ...rest] = keys
  if (inner instanceof z.ZodObject) {
    const next = inner.shape[String(first)] as z.ZodType | undefined
    return next === undefined ? [] : keysAt(next, rest)
  }
  if (inner instanceof z.ZodRecord) return keysAt(inner.valueType as z.ZodType, rest)
  return []
}

function unwrap(shape: z.ZodType): z.ZodType {
  return shape instanceof z.ZodOptional ? unwrap(shape.unwrap() as z.ZodType) : shape
}

/** The name that differs from `wrong` in the fewest letters, when it is near enough to be what was meant. */
export function nearest(wrong: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(wrong.length / 3)) + 1
  for (const name of names) {
    const letters = distance(wrong.toLowerCase(), name.toLowerCase())
    if (letters < least) {
      least = letters
      best = name
    }
  }
  return best
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same))
    }
    row = next
  }
  return row[right.length]!
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
