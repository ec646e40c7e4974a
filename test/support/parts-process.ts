/**
 * A process of its own that runs the parts of a project, as `up` does: `tsx parts-process.ts <folder> <config as JSON>`. Says one JSON
 * object a line: its events, then `{"up": {...}}` or `{"failed": {...}}`. Ends everything on SIGTERM.
 */
import { defineConfig } from '../../src/declare/config.ts'
import { isMillraceError, messageOf } from '../../src/errors.ts'
import { startParts } from '../../src/parts/index.ts'

const [folder, config] = process.argv.slice(2) as [string, string]
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  const options = { folder, config: defineConfig(JSON.parse(config)), signal: stop.signal, onEvent: say }
  const parts = await startParts(options)
  say({ up: { addresses: parts.addresses, pids: parts.pids() } })
  const alive = setInterval(() => undefined, 60_000)
  stop.signal.addEventListener('abort', () => parts.stop().then(() => clearInterval(alive)))
} catch (thrown) {
  say({ failed: isMillraceError(thrown) ? thrown : { message: messageOf(thrown) } })
}
