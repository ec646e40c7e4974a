import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a project keeps the values of its secrets, one file each. */
export function secretsFolder(folder: string): string {
  return join(folder, '.millrace', 'secrets')
}

/** Makes the folder, closed to others. */
export function prepareSecrets(secrets: string): void {
  mkdirSync(secrets, { recursive: true, mode: 0o700 })
  chmodSync(secrets, 0o700)
}

/**
 * The value of a secret of an embedded part: from the environment, else from its file, which is made with a random value when it is
 * missing. Two who make it at once agree on one value.
 */
export function secretValue(secrets: string, name: string, env: NodeJS.ProcessEnv = process.env): string {
  const given = env[name]
  if (given !== undefined && given !== '') return given
  const file = join(secrets, name)
  const stored = read(file)
  if (stored !== undefined) return stored
  const draft = `${file}.${process.pid}.draft`
  writeFileSync(draft, randomBytes(24).toString('base64url'), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8').trimEnd()
}

function read(file: string): string | undefined {
  try {
    const value = readFileSync(file, 'utf8').trimEnd()
    return value === '' ? undefined : value
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}
