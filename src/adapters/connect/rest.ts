import { fault, messageOf } from '../../errors.ts'

export interface RestOptions {
  /** Base URL of a worker, any of the cluster. */
  readonly url: string
  /** How long one answer may take, in ms. Default: 90000, which validation against a slow database can need. */
  readonly timeoutMs?: number
  /** How long a rebalance of the workers is waited out, in ms. Default: 60000. */
  readonly rebalanceMs?: number
}

export interface Rest {
  /** The answer's body; null when it has none, or when there is no such thing (404) and `orNull` is asked for. */
  send<Body>(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    orNull?: boolean,
  ): Promise<Body | null>
}

const waitMs = 250

/**
 * JSON over HTTP as Connect speaks it. While workers rebalance Connect answers 409: that is waited out. Throws
 * `CONNECT_UNREACHABLE` when nobody answers and `CONNECT_REFUSED` with Connect's own words when the answer is an error.
 */
export function rest(options: RestOptions): Rest {
  const base = options.url.replace(/\/+$/, '')
  const timeoutMs = options.timeoutMs ?? 90_000
  const rebalanceMs = options.rebalanceMs ?? 60_000
  return {
    async send<Body>(method: string, path: string, body?: unknown, orNull = false): Promise<Body | null> {
      const until = Date.now() + rebalanceMs
      for (;;) {
        const answer = await fetch(`${base}${path}`, {
          method,
          signal: AbortSignal.timeout(timeoutMs),
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }).catch((thrown: unknown) => {
          throw fault('CONNECT_UNREACHABLE', { url: base, reason: reasonOf(thrown) }, thrown)
        })
        const text = await answer.text()
        if (answer.ok) return text === '' ? null : (JSON.parse(text) as Body)
        if (answer.status === 404 && orNull) return null
        if (answer.status === 409 && Date.now() < until) {
          await new Promise((resolve) => setTimeout(resolve, waitMs))
          continue
        }
        throw fault('CONNECT_REFUSED', { request: `${method} ${path}`, status: answer.status, reason: wordsOf(text) })
      }
    },
  }
}

/** What went wrong below fetch, which itself only says that it failed. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown
  return messageOf(cause)
}

function wordsOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message.split('\n')[0]!.slice(0, 500)
  } catch {
    // Not JSON: a proxy's page.
  }
  return text.trim().split('\n')[0]!.slice(0, 200) || 'no reason given'
}
