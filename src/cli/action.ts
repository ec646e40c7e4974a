import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isMillraceError, messageOf } from '../errors.ts'
import { exit } from './exit.ts'
import { type Output, output, thrownLines } from './output.ts'

/** What every command gets. */
export interface Context {
  /** The project's folder, absolute. */
  readonly folder: string
  readonly out: Output
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. A second one ends the process at once. */
  readonly signal: AbortSignal
}

/**
 * Binds a command to what it does. The number it resolves with is the exit code; what it throws is printed with its remedy and ends
 * with 1.
 */
export function act<Options extends object>(
  command: Command,
  work: (context: Context, options: Options, words: readonly string[]) => Promise<number>,
): Command {
  return command.action(async (...given: unknown[]) => {
    const called = given.at(-1) as Command
    const { folder, json, ...options } = called.optsWithGlobals() as { folder: string; json?: boolean }
    const context: Context = { folder: resolve(folder), out: output(json === true), signal: interruption() }
    try {
      process.exitCode = await work(context, options as Options, called.args)
    } catch (thrown) {
      if (json === true) context.out.result({ error: reportOf(thrown) })
      else process.stderr.write(`${thrownLines(thrown)}\n`)
      process.exitCode = exit.failed
    }
  })
}

function reportOf(thrown: unknown): object {
  return isMillraceError(thrown) ? thrown.toJSON() : { message: messageOf(thrown) }
}

function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exit.failed)
      controller.abort(name)
    })
  }
  return controller.signal
}
