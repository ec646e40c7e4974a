/** Statements prepared per connection. Shapes beyond this many are sent with their text each time. */
const namesMax = 200

/** Gives statements names to be prepared under: the same text, the same name. Bounded, because the server keeps each. */
export class StatementNames {
  readonly #names = new Map<string, string>()

  /** Undefined: do not prepare this one. */
  nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= namesMax) return known
    const name = `millrace_${this.#names.size}`
    this.#names.set(text, name)
    return name
  }
}
