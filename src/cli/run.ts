import { Command, InvalidArgumentError } from 'commander'
import type { Logger } from 'pino'
import { runSync } from '../engine/sync-run.ts'
import { fault, messageOf } from '../errors.ts'
import { checkProject } from '../project/index.ts'
import { act } from './action.ts'
import { problemLines, summary } from './check.ts'
import { exit } from './exit.ts'
import { SyncBoard } from './sync-board.ts'
import { addressesOf, openProject, wireSync } from './wiring.ts'
import { announceWorker } from './worker-file.ts'
import { logSync, workerLog } from './worker-log.ts'
import { workerMetrics } from './worker-metrics.ts'
import { serveWorker } from './worker-server.ts'

interface RunOptions {
  readonly host: string
  readonly port: number
}

/** How long draining may take before the worker leaves with what is committed: longer than one sink transaction under backlog. */
const drainMs = 30_000

/** `millrace run [name...]`: a worker. Start as many as you like; each sync has one owner, the others stand by. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('run syncs in a worker until it is stopped')
    .description(
      'Runs the named syncs, or all, until SIGTERM or SIGINT; then drains. Logs JSON lines to stdout. Serves /healthz, /readyz, /status and /metrics.',
    )
    .argument('[name...]', 'syncs to run; all when left out')
    .option('--port <port>', 'port of the probes and metrics; 0 chooses a free one', portNumber, 0)
    .option('--host <host>', 'address they listen on', '127.0.0.1')
  return act<RunOptions>(command, async ({ folder, out, signal }, { host, port }, names) => {
    const project = await openProject(folder)
    const errors = checkProject(project).filter(({ severity }) => severity === 'error')
    if (errors.length > 0) {
      for (const one of errors) process.stderr.write(`${problemLines(one)}\n`)
      process.stderr.write(`${summary(errors)} Nothing was started.\n`)
      out.result({ problems: errors })
      return exit.failed
    }
    const known = project.syncs.map(({ name }) => name)
    for (const name of names) {
      if (!known.includes(name)) throw fault('SYNC_UNKNOWN', { name, known: known.join(', ') || 'none' })
    }
    const syncs = project.syncs.filter(({ name }) => names.length === 0 || names.includes(name))
    const addresses = addressesOf(project)
    const log = workerLog()
    const sourceOf = (sync: (typeof syncs)[number]): string => Object.values(sync.declaration.from)[0]!.contract.source
    const board = new SyncBoard(syncs.map((sync) => ({ name: sync.name, source: sourceOf(sync) })))
    const metrics = workerMetrics(board)
    const wired = syncs.map((sync) => {
      const write = logSync(log, sourceOf(sync))
      return wireSync({
        project,
        addresses,
        sync,
        logger: log,
        signal,
        observe: (event) => {
          board.observe(event)
          metrics.observe(event)
          write(event)
        },
      })
    })
    const server = await serveWorker({ board, metrics: metrics.registry, host, port })
    const url = `http://${host}:${server.port}`
    const withdraw = announceWorker(folder, {
      pid: process.pid,
      url,
      syncs: syncs.map(({ name }) => name),
      startedAt: new Date().toISOString(),
    })
    log.info({ url, syncs: syncs.map(({ name }) => name) }, `worker of ${syncs.length} syncs, probes at ${url}`)
    signal.addEventListener('abort', () => log.info({ signal: signal.reason }, 'draining'))
    try {
      await Promise.race([Promise.all(wired.map(({ run }) => runSync(run))), drainedTooLong(signal, log)])
    } finally {
      withdraw()
      await Promise.allSettled([...wired.map(({ close }) => close()), server.close()])
    }
    log.info('drained, the worker ends')
    // Connections that a library keeps open must not keep a drained worker alive.
    setTimeout(() => process.exit(), 2000).unref()
    return exit.done
  })
}

function drainedTooLong(signal: AbortSignal, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      setTimeout(() => {
        log.warn(
          { drainMs },
          'draining takes too long; what is not committed is rolled back and applied again by the next owner',
        )
        resolve()
      }, drainMs).unref()
    })
  })
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError(messageOf('a port is 0 to 65535'))
  return port
}
