import { Malformed } from '../malformed.ts'

/**
 * A writer's Avro schema as a tree, with named types resolved. Only what Avro itself defines, and Connect's name of a type
 * (`connect.name`), which says what a string or long means.
 */
export type Node =
  | { readonly kind: Primitive; readonly meaning?: string }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: Node }
  | { readonly kind: 'union'; readonly branches: readonly Node[] }
  | RecordNode

export interface RecordNode {
  readonly kind: 'record'
  /** Namespace and name. */
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly type: Node }[]
}

type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

/** Parses a schema as JSON. Throws a `Malformed` saying what is wrong with it; the caller knows which schema it was. */
export function parseWriterSchema(schema: unknown): Node {
  const node = parse(schema, '', new Map())
  checkItems(node, new Set())
  return node
}

/** The other branch of a union with null, in either order, or the node itself. `nullAt` is null's branch, -1 without one. */
export function nullable(node: Node): { readonly type: Node; readonly nullAt: number } | undefined {
  if (node.kind !== 'union') return { type: node, nullAt: -1 }
  const nullAt = node.branches.findIndex((branch) => branch.kind === 'null')
  if (node.branches.length !== 2 || nullAt < 0) return undefined
  return { type: node.branches[1 - nullAt]!, nullAt }
}

type Names = Map<string, Node>

function parse(schema: unknown, namespace: string, names: Names): Node {
  if (typeof schema === 'string') {
    if (primitives.has(schema)) return { kind: schema as Primitive }
    const known = names.get(fullName(schema, namespace)) ?? names.get(schema)
    if (known === undefined) throw new Malformed(`the type ${schema} is not defined`)
    return known
  }
  if (Array.isArray(schema)) return { kind: 'union', branches: schema.map((branch) => parse(branch, namespace, names)) }
  if (typeof schema !== 'object' || schema === null) throw new Malformed('a schema is an object, an array or a name')

  const { type, name, namespace: own, fields, symbols, size, items, values } = schema as Record<string, unknown>
  const meaning = (schema as Record<string, unknown>)['connect.name']
  if (typeof type === 'object') return parse(type, namespace, names)
  if (typeof type !== 'string') throw new Malformed('a schema has no type')
  if (primitives.has(type)) {
    return typeof meaning === 'string' ? { kind: type as Primitive, meaning } : { kind: type as Primitive }
  }
  if (type === 'array' || type === 'map') {
    return { kind: type, items: parse(type === 'array' ? items : values, namespace, names) }
  }
  if (type !== 'record' && type !== 'enum' && type !== 'fixed') return parse(type, namespace, names)

  if (typeof name !== 'string' || name === '') throw new Malformed(`a ${type} has no name`)
  const full = fullName(name, typeof own === 'string' ? own : namespace)
  if (type === 'fixed') {
    if (typeof size !== 'number' || !(size >= 0)) throw new Malformed(`the fixed type ${full} has no size`)
    return define(names, full, { kind: 'fixed', size })
  }
  if (type === 'enum') {
    if (!Array.isArray(symbols)) throw new Malformed(`the enum ${full} has no symbols`)
    return define(names, full, { kind: 'enum', symbols: symbols.map(String) })
  }
  if (!Array.isArray(fields)) throw new Malformed(`the record ${full} has no fields`)
  const parsed: { name: string; type: Node }[] = []
  // Defined before its fields are parsed: a record may contain itself.
  const record = define(names, full, { kind: 'record', name: full, fields: parsed })
  const inner = full.slice(0, Math.max(full.lastIndexOf('.'), 0))
  for (const field of fields as { name?: unknown; type?: unknown }[]) {
    if (typeof field?.name !== 'string') throw new Malformed(`a field of ${full} has no name`)
    parsed.push({ name: field.name, type: parse(field.type, inner, names) })
  }
  return record
}

function define<T extends Node>(names: Names, name: string, node: T): T {
  if (names.has(name)) throw new Malformed(`the type ${name} is defined twice`)
  names.set(name, node)
  return node
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

/** Items that take no bytes would let a few bytes claim any number of items. */
function checkItems(node: Node, seen: Set<Node>): void {
  if (seen.has(node)) return
  seen.add(node)
  if (node.kind === 'array' || node.kind === 'map') {
    if (node.kind === 'array' && takesNothing(node.items, new Set()))
      throw new Malformed('an array of items without bytes')
    checkItems(node.items, seen)
  }
  if (node.kind === 'union') for (const branch of node.branches) checkItems(branch, seen)
  if (node.kind === 'record') for (const field of node.fields) checkItems(field.type, seen)
}

function takesNothing(node: Node, inside: Set<Node>): boolean {
  if (inside.has(node)) return true
  if (node.kind === 'record') {
    inside.add(node)
    return node.fields.every((field) => takesNothing(field.type, inside))
  }
  return node.kind === 'null' || (node.kind === 'fixed' && node.size === 0)
}
