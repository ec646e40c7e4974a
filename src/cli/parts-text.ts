import pc from 'picocolors'
import type { PartsEvent } from '../parts/index.ts'
import { errorLines } from './output.ts'

/** What happens to the parts, as lines for a person; undefined for what nobody needs to read. */
export function partsLine(event: PartsEvent): string | undefined {
  switch (event.kind) {
    case 'fetching':
      return `  fetching ${event.archive}: ${event.downloadedMb} of about ${event.totalMb} MB`
    case 'fetched':
      return `  fetched ${event.archive} in ${event.seconds.toFixed(1)} s`
    case 'leftovers-ended':
      return `  ended what an earlier up had left: ${event.parts.join(', ')}`
    case 'port-changed':
      return `  ${event.part} is on port ${event.to} now, ${event.from} is taken`
    case 'data-elsewhere':
      return `  ${event.part} keeps its data in ${event.folder}: the account it runs as cannot reach this folder`
    case 'starting':
    case 'stopping':
      return undefined
    case 'ready':
      return `  ${pc.green('ready')} ${event.part.padEnd(18)} ${event.address.padEnd(28)} ${event.seconds.toFixed(1)} s`
    case 'died':
      return `${errorLines(event.error.toJSON(), pc.red(`${event.part} died`))}\n      It is started again in ${(event.restartInMs / 1000).toFixed(2)} s.`
    case 'recovered':
      return `  ${pc.green('ready')} ${event.part} again, ${event.seconds.toFixed(1)} s after it died (pid ${event.pid})`
    case 'stopped':
      return `  ended ${event.part} in ${event.seconds.toFixed(1)} s${event.killed ? ', by force' : ''}`
  }
}
