import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface Called {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const main = join(import.meta.dirname, '../../src/cli/main.ts')

/** Runs the command line as a user does, in a process of its own, without colours and without a terminal. */
export function millrace(folder: string, ...words: string[]): Promise<Called> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--conditions=source', '--import', 'tsx', main, ...words, '--folder', folder],
      {
        cwd: join(import.meta.dirname, '../..'),
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, COLUMNS: '80' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
