import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Command } from './part.ts'

export interface ToolResult {
  /** Null when a signal ended it. */
  readonly code: number | null
  /** The last lines of both channels, at most 200. */
  readonly lines: readonly string[]
}

/** Runs a program to its end. Rejects when it cannot be run or `signal` aborts, which ends it. */
export async function runTool(
  command: Command,
  options: { readonly signal?: AbortSignal | undefined; readonly onLine?: (line: string) => void } = {},
): Promise<ToolResult> {
  const child = spawn(command.file, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...command.env },
    ...(command.cwd ? { cwd: command.cwd } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(command.account ? { uid: command.account.uid, gid: command.account.gid } : {}),
  })
  const lines: string[] = []
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      if (lines.push(line) > 200) lines.shift()
      options.onLine?.(line)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, lines }
}
