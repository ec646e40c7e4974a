const brand = Symbol.for('millrace.declaration')

/** Marks a value as a declaration. `Symbol.for`, so that two copies of the module agree; never `instanceof`. */
export function declaration<Kind extends string, Body extends object>(
  kind: Kind,
  body: Body,
): Readonly<Body> & { readonly kind: Kind } {
  return deepFreeze({ ...body, kind, [brand]: true })
}

/** The kind of a declaration, or undefined when `value` is none. */
export function declarationKind(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !(brand in value)) return undefined
  return (value as { kind?: string }).kind
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner)
  }
  return Object.freeze(value)
}
