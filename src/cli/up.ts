import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import pc from 'picocolors'
import { startParts } from '../parts/index.ts'
import { checkProject } from '../project/index.ts'
import { act, type Context } from './action.ts'
import { applyProject } from './apply.ts'
import { problemLines, summary } from './check.ts'
import { exit } from './exit.ts'
import { partsLine } from './parts-text.ts'
import { openProject } from './wiring.ts'
import { workerPart } from './worker-part.ts'

interface UpOptions {
  readonly detach?: boolean
  readonly onlyParts?: boolean
  readonly yes?: boolean
}

/** `millrace up`: parts, apply and a worker, in the foreground until Ctrl-C, or with `--detach` in the background until `down`. */
export function upCommand(): Command {
  const command = new Command('up')
    .summary('start the parts, apply the project, run its syncs')
    .description(
      'Starts the embedded parts, applies the project and runs a worker; restarts what dies. In the foreground until Ctrl-C.',
    )
    .option('-d, --detach', 'go to the background once everything runs; `down` ends it')
    .option('--only-parts', 'start the parts and nothing else')
    .option('-y, --yes', 'do not ask before something is deleted')
  return act<UpOptions>(command, (context, options) =>
    options.detach === true ? detach(context, options) : foreground(context, options),
  )
}

async function foreground(context: Context, { onlyParts, yes }: UpOptions): Promise<number> {
  const { folder, out, signal } = context
  const project = await openProject(folder)
  const problems = onlyParts === true ? [] : checkProject(project)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    for (const one of errors) process.stderr.write(`${problemLines(one)}\n`)
    process.stderr.write(`${summary(problems)} Nothing was started.\n`)
    out.result({ up: false, problems: errors })
    return exit.failed
  }
  const began = Date.now()
  out.line(pc.bold(`Starting the parts of ${project.name}`))
  const parts = await startParts({
    folder,
    config: project.config,
    signal,
    onEvent: (event) => {
      const line = partsLine(event)
      if (line !== undefined) out.line(line)
    },
  })
  try {
    out.line(`All parts are ready after ${seconds(began)}.`)
    if (onlyParts !== true) {
      out.line(`\n${pc.bold('Plan')}`)
      // Creating is why somebody says `up`; deleting is asked for.
      // One document for machines: that of `up` itself.
      const quiet = { ...context, out: { ...out, result: () => undefined } }
      const outcome = await applyProject(quiet, project, yes === true, 'destructive')
      if (outcome !== 'applied') return exit.failed
      if (project.syncs.length > 0 && !signal.aborted) {
        out.line(`\n${pc.bold('Worker')}`)
        await parts.supervise((port) => workerPart(folder, port))
      }
    }
    if (!signal.aborted) {
      out.line(
        `\n${pc.green('Up')} after ${seconds(began)}. Ctrl-C or \`millrace down\` ends it; \`millrace status\` shows how it goes.`,
      )
      out.result({ up: true, addresses: parts.addresses, pids: parts.pids() })
      // Who waited may be gone: its terminal was closed. What runs goes on.
      if (process.connected) process.send?.('up', () => undefined)
      await aborted(signal)
    }
    return exit.done
  } finally {
    out.line('\nEnding the worker and the parts …')
    await parts.stop()
    out.line('All ended. Data stays in .millrace/.')
  }
}

/** Starts the same command in the background and shows what it says until it is up. */
async function detach({ folder, out, signal }: Context, { onlyParts, yes }: UpOptions): Promise<number> {
  // A wrong folder is said before anything is made in it.
  await openProject(folder)
  const logs = join(folder, '.millrace', 'logs')
  mkdirSync(logs, { recursive: true })
  const log = join(logs, 'up.log')
  const write = openSync(log, 'w')
  const words = [onlyParts === true ? '--only-parts' : '', yes === true ? '--yes' : ''].filter((word) => word !== '')
  const args = [process.argv[1]!, 'up', '--folder', folder, ...words]
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', write, write, 'ipc'],
    detached: true,
  })
  closeSync(write)
  let state: 'starting' | 'up' | 'ended' = 'starting'
  child.on('message', () => {
    state = 'up'
  })
  child.on('exit', () => {
    state = 'ended'
  })
  const interrupt = (): void => void child.kill('SIGTERM')
  signal.addEventListener('abort', interrupt)
  const read = openSync(log, 'r')
  while (state === 'starting') {
    for (const line of newLines(read)) out.line(line)
    await sleep(100)
  }
  for (const line of newLines(read)) out.line(line)
  closeSync(read)
  out.result({ up: state === 'up', pid: child.pid, log })
  if (state !== 'up') return exit.failed
  out.line(`It goes on in the background (pid ${child.pid}); its words are in ${log}.`)
  child.disconnect()
  child.unref()
  return exit.done
}

/** Whole text written since the last call. */
function newLines(file: number): readonly string[] {
  const chunk = Buffer.alloc(64 * 1024)
  let text = ''
  for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) text += chunk.toString('utf8', 0, size)
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    // An abort listener alone does not keep the process alive; supervision timers are unreferenced.
    const alive = setInterval(() => undefined, 60_000)
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      resolve()
    })
  })
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}
