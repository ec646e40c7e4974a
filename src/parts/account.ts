import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../errors.ts'
import type { Account } from './part.ts'

/**
 * Who Postgres runs as: undefined for ourselves, or, when we are root, which Postgres refuses, the account `nobody`. No account is
 * ever made.
 */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8', stdio: 'pipe' }))
    return { uid: id('-u'), gid: id('-g') }
  } catch (thrown) {
    throw fault('POSTGRES_ACCOUNT_MISSING', {}, thrown)
  }
}

/** True when the account can enter the folder: decided by the system, which knows links, lists and mounts. */
export function canReach(folder: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return Promise.resolve(true)
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { cwd: '/', stdio: 'ignore', ...account })
    child.once('error', () => resolve(false))
    child.once('close', (code) => resolve(code === 0))
  })
}

/** A new folder that every account can reach and that survives a restart of the machine, for what cannot be in the project. */
export async function reachableFolder(account: Account): Promise<string> {
  const candidates = ['/var/tmp', '/tmp']
  for (const parent of candidates) {
    if (!(await canReach(parent, account))) continue
    return mkdtemp(join(parent, 'millrace-'))
  }
  throw fault('PART_TOOL_FAILED', {
    what: 'find a folder for Postgres',
    reason: `the account nobody can enter neither the project's folder nor ${candidates.join(' nor ')}`,
  })
}
