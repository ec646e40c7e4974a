/** A foreign key by the places of its two tables. */
export interface Edge {
  readonly child: number
  readonly parent: number
}

/**
 * Tables parents first, by the foreign keys among them. Tables in a cycle keep the order they were declared in: for them only
 * deferred constraints, or the source's own order, can help.
 */
export function parentsFirst(count: number, edges: readonly Edge[]): readonly number[] {
  const order: number[] = []
  const left = new Set(Array.from({ length: count }, (_, at) => at))
  const waits = (at: number) => edges.some(({ child, parent }) => child === at && parent !== at && left.has(parent))
  while (left.size > 0) {
    const free = [...left].filter((at) => !waits(at))
    const next = free.length > 0 ? free : [...left].slice(0, 1)
    for (const at of next) {
      order.push(at)
      left.delete(at)
    }
  }
  return order
}
