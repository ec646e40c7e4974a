import type { Tap } from './tap.ts'
import type { Node } from './writer-schema.ts'

/** Reads any value as plain data: for records that are few (transaction markers, notices, messages). */
export function read(node: Node, tap: Tap): unknown {
  switch (node.kind) {
    case 'null':
      return null
    case 'boolean':
      return tap.boolean()
    case 'int':
      return tap.int()
    case 'long':
      return tap.long()
    case 'float':
      return tap.float()
    case 'double':
      return tap.double()
    case 'string':
      return tap.string()
    case 'bytes':
      return tap.blob()
    case 'enum':
      return node.symbols[tap.int()]
    case 'fixed':
      tap.skip(node.size)
      return undefined
    case 'union':
      return read(node.branches[tap.branch(node.branches.length)]!, tap)
    case 'array': {
      const items: unknown[] = []
      for (let count = tap.block(); count > 0; count = tap.block()) {
        while (count-- > 0) items.push(read(node.items, tap))
      }
      return items
    }
    case 'map': {
      const entries: [string, unknown][] = []
      for (let count = tap.block(); count > 0; count = tap.block()) {
        while (count-- > 0) entries.push([tap.string(), read(node.items, tap)])
      }
      return Object.fromEntries(entries)
    }
    case 'record':
      return Object.fromEntries(node.fields.map((field) => [field.name, read(field.type, tap)]))
  }
}

/** Passes any value without making anything of it. */
export function skip(node: Node, tap: Tap): void {
  switch (node.kind) {
    case 'null':
      break
    case 'boolean':
      tap.skip(1)
      break
    case 'int':
    case 'long':
    case 'enum':
      tap.skipVarint()
      break
    case 'float':
      tap.skip(4)
      break
    case 'double':
      tap.skip(8)
      break
    case 'fixed':
      tap.skip(node.size)
      break
    case 'string':
    case 'bytes':
      tap.skipBytes()
      break
    case 'union':
      skip(node.branches[tap.branch(node.branches.length)]!, tap)
      break
    case 'array':
    case 'map':
      for (let count = tap.block(); count > 0; count = tap.block()) {
        while (count-- > 0) {
          if (node.kind === 'map') tap.skipBytes()
          skip(node.items, tap)
        }
      }
      break
    case 'record':
      for (const field of node.fields) skip(field.type, tap)
  }
}
