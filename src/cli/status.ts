import Table from 'cli-table3'
import { Command } from 'commander'
import pc from 'picocolors'
import {
  type ConnectorStatus,
  formatProblem,
  projectStatus,
  type SyncStatus,
  type WorkerSync,
} from '../project/index.ts'
import { act } from './action.ts'
import { exit } from './exit.ts'
import { openPlatform, openProject } from './wiring.ts'
import { readWorkers } from './worker-file.ts'

/** `millrace status`: is it working, and how far is it behind. */
export function statusCommand(): Command {
  const command = new Command('status')
    .summary('show what is running, how far it is, and whether it is well')
    .description(
      'Shows every connector and sync: state, applied LSN, lag, rates, the last error. Exits with 1 when something makes no progress.',
    )
  return act(command, async ({ folder, out }) => {
    const project = await openProject(folder)
    const platform = openPlatform(project)
    try {
      const workers = readWorkers(folder)
      const said = await Promise.all(workers.map(({ url }) => askWorker(url)))
      const status = await projectStatus(project, platform, said.flat(), Date.now())
      if (status.connectors.length > 0) out.line(connectorTable(status.connectors))
      if (status.syncs.length > 0) out.line(syncTable(status.syncs))
      for (const { name, error } of status.connectors) if (error !== null) out.line(`${pc.red(name)} ${error}`)
      for (const { name, error } of status.syncs) {
        if (error !== null) out.line(`${pc.red(name)} ${error.message} ${pc.dim(`[${error.code}]`)}\n  ${error.remedy}`)
      }
      for (const one of status.problems) out.line(formatProblem(one))
      out.line(
        `${workers.length} ${workers.length === 1 ? 'worker' : 'workers'}. ${status.healthy ? pc.green('Everything makes progress.') : pc.red('Not everything is well.')}`,
      )
      out.result({ ...status, workers })
      return status.healthy ? exit.done : exit.failed
    } finally {
      await platform.topics.close()
    }
  })
}

/** What a worker says of its syncs; nothing when it does not answer. */
async function askWorker(url: string): Promise<readonly WorkerSync[]> {
  try {
    const answer = await fetch(`${url}/status`, { signal: AbortSignal.timeout(3000) })
    return ((await answer.json()) as { readonly syncs: readonly WorkerSync[] }).syncs
  } catch {
    return []
  }
}

function connectorTable(connectors: readonly ConnectorStatus[]): string {
  return table(
    ['connector', 'state', 'behind the source', 'WAL kept'],
    connectors.map(({ name, healthy, state, lagBytes, keptBytes }) => [
      name,
      mood(state, healthy),
      bytes(lagBytes),
      bytes(keptBytes),
    ]),
  )
}

function syncTable(syncs: readonly SyncStatus[]): string {
  return table(
    ['sync', 'source', 'state', 'applied LSN', 'lag', 'changes/s', 'transactions/s'],
    syncs.map((sync) => [
      sync.name,
      sync.source,
      mood(sync.state, sync.healthy),
      sync.appliedLsn ?? '-',
      `${sync.lagSeconds === null ? '-' : `${sync.lagSeconds.toFixed(1)} s`}, ${bytes(sync.lagBytes)}`,
      sync.changesPerSecond?.toFixed(1) ?? '-',
      sync.transactionsPerSecond?.toFixed(1) ?? '-',
    ]),
  )
}

function mood(state: string, healthy: boolean): string {
  return healthy ? pc.green(state) : pc.red(state)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: head.map((title) => pc.bold(title)),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
        'left',
        'left-mid',
        'mid',
        'mid-mid',
        'right',
        'right-mid',
        'middle',
      ].map((part) => [part, '']),
    ),
  })
  drawn.push(...rows.map((row) => [...row]))
  return `${drawn.toString()}\n`
}

/** A size as people read it. */
export function bytes(count: number | null): string {
  if (count === null) return '-'
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
