import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../declare/config.ts'
import { addressesOf, embeddedParts, type PartAddresses } from './layout.ts'
import { lockHolder } from './lock.ts'
import type { PartName } from './part.ts'
import { isRunning } from './process-identity.ts'
import { readState } from './state-file.ts'
import type { PartState } from './supervisor.ts'

/** One embedded part, as any process can see it. */
export interface PartStatus {
  readonly name: PartName
  readonly state: PartState
  readonly address?: string
  readonly pid?: number
  /** How often it was started again by itself since `up`. */
  readonly restarts: number
  readonly log: string
}

export interface PartsStatus {
  /** Pid of the process that runs the parts; absent when none does. */
  readonly owner?: number
  readonly parts: readonly PartStatus[]
  /** True when every embedded part runs and is ready. */
  readonly ready: boolean
  /** Addresses given by the configuration and those of embedded parts, if each has had one; they may not be running. */
  readonly addresses?: PartAddresses
}

/** What runs of a project, read without asking the parts: for `status`, and for commands that need their addresses. */
export function readParts(project: string, config: Config): PartsStatus {
  const folder = existsSync(project) ? realpathSync(project) : project
  const names = embeddedParts(config)
  const state = readState(folder)
  const owner = lockHolder(folder)
  const parts = names.map((name): PartStatus => {
    const part = state.parts[name]
    const running = part?.process !== undefined && isRunning(part.process)
    return {
      name,
      state: part === undefined ? 'stopped' : running || part.state === 'starting' ? part.state : 'dead',
      ...(part ? { address: part.address } : {}),
      ...(running ? { pid: part.process!.pid } : {}),
      restarts: part?.restarts ?? 0,
      log: join(folder, '.millrace', 'logs', `${name.replace(':', '-')}.log`),
    }
  })
  const placed = names.every((name) => state.ports[name] !== undefined)
  return {
    ...(owner ? { owner: owner.pid } : {}),
    parts,
    ready: parts.every(({ state }) => state === 'ready'),
    ...(placed ? { addresses: addressesOf(config, state.ports) } : {}),
  }
}
