import { createInterface } from 'node:readline/promises'

/** Asks for a typed yes. Where nobody can be asked, only `--yes` is one. */
export async function agreed(question: string, yes: boolean, json: boolean): Promise<boolean> {
  if (yes) return true
  if (json || !process.stdin.isTTY) {
    process.stderr.write('Nobody can be asked here; say --yes.\n')
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(question)).trim().toLowerCase() === 'yes'
  } finally {
    terminal.close()
  }
}
