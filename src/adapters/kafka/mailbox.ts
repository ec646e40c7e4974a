/** Hands the newest of what events bring to one asynchronous reader. Holds one item: a newer one replaces it. */
export interface Mailbox<T> extends AsyncIterable<T> {
  put(item: T): void
  /** The reader throws `reason` next, whatever waits. */
  fail(reason: unknown): void
  end(): void
}

export function mailbox<T>(): Mailbox<T> {
  let item: { readonly value: T } | undefined
  let ending: { readonly reason?: unknown } | undefined
  let wake = (): void => {}
  return {
    put(value) {
      item = { value }
      wake()
    },
    fail(reason) {
      ending ??= { reason }
      wake()
    },
    end() {
      ending ??= {}
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (ending !== undefined) {
          if ('reason' in ending) throw ending.reason
          return
        }
        if (item === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        const { value } = item
        item = undefined
        yield value
      }
    },
  }
}
