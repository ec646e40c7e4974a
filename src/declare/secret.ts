/** A reference to a secret. The value is looked up where it is used and is never part of a declaration, plan, log or error. */
export interface Secret {
  readonly kind: 'secret'
  readonly name: string
}

/** Names a secret: the environment variable `name`, or else the file `.millrace/secrets/<name>`. */
export function secret(name: string): Secret {
  return Object.freeze({ kind: 'secret', name })
}
