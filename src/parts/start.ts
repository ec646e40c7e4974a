import { mkdirSync, realpathSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../declare/config.ts'
import { type Archive, cacheFolder, fetchInTurn, isFetched } from './cache.ts'
import type { OnPartsEvent } from './events.ts'
import { addressesOf, archivesFor, embeddedParts, layOut, memoryMb, type PartAddresses, portWishes } from './layout.ts'
import { endLeftovers, markOf } from './leftovers.ts'
import { lockProject } from './lock.ts'
import { startInOrder, stopInOrder } from './order.ts'
import type { Part, PartName } from './part.ts'
import { choosePorts } from './ports.ts'
import { checkJava, checkMaven, checkRoom, freeDiskMb, freeMemoryMb } from './requirements.ts'
import { prepareSecrets, secretsFolder } from './secrets.ts'
import { keepRecord } from './state-file.ts'
import { Supervisor } from './supervisor.ts'

export interface StartPartsOptions {
  /** The project's folder. */
  readonly folder: string
  readonly config: Config
  readonly onEvent?: OnPartsEvent
  /** Aborting it ends a start that is under way; a set that runs is ended with `stop`. */
  readonly signal?: AbortSignal
  /** Where fetched parts are kept. Default: see `cacheFolder`. */
  readonly cache?: string
}

/** The parts of a project, running and supervised by this process. */
export interface RunningParts {
  readonly addresses: PartAddresses
  /** Process ids by part, for those that run at this moment. */
  pids(): Readonly<Record<string, number>>
  /** Sends a signal to one part's process; it is started again when it dies. */
  kill(part: PartName, signal?: NodeJS.Signals): void
  /**
   * Runs one more process of the project under the same supervision, on a port that is remembered with the others; resolves when it is
   * ready. It is ended before the parts.
   */
  supervise(make: (port: number) => Part): Promise<void>
  /** Ends everything, in order, and gives the project free. Safe to call twice. */
  stop(): Promise<void>
}

/**
 * Starts every part that the project's configuration gives no address for, and resolves when all are ready. What fails throws, after
 * everything that was started has been ended: `PROJECT_LOCKED`, `JAVA_MISSING`, `JAVA_TOO_OLD`, `MAVEN_MISSING`, `MAVEN_TOO_OLD`,
 * `MEMORY_LOW`, `DISK_LOW`, `PORT_BUSY`, `PARTS_DOWNLOAD`, `EMBEDDED_POSTGRES_MISSING`, `DATABASE_SQL`, `PART_NOT_READY`,
 * `PART_EXITED`, `DISK_FULL`.
 */
export async function startParts(options: StartPartsOptions): Promise<RunningParts> {
  const { config } = options
  const folder = realpathSync(options.folder)
  const cache = options.cache ?? cacheFolder()
  const onEvent = options.onEvent ?? (() => undefined)
  const names = embeddedParts(config)
  mkdirSync(join(folder, '.millrace'), { recursive: true })
  const lock = lockProject(folder)
  const supervisors: Supervisor[] = []
  const failed = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  const record = keepRecord(folder)
  try {
    const leftovers = await endLeftovers(folder, record.current())
    if (leftovers.length > 0) onEvent({ kind: 'leftovers-ended', parts: leftovers })
    const java = await checkRequirements(folder, cache, names)
    const before = record.current().ports
    const wishes = portWishes(names, config, before)
    const ports = await choosePorts(wishes)
    for (const name of names) {
      const from = before[name]
      if (from !== undefined && from !== ports[name])
        onEvent({ kind: 'port-changed', part: name, from, to: ports[name]! })
    }
    record.begin({ ...before, ...ports })
    prepareSecrets(secretsFolder(folder))
    const parts = await layOut({ folder, config, names, ports, cache, java, onEvent })
    const fetched = fetchInTurn(archivesFor(names), { cache, onEvent, signal, env: markOf(folder) })
    const supervise = (part: Part) => {
      const supervisor = new Supervisor(part, {
        log: join(folder, '.millrace', 'logs', `${part.name.replace(':', '-')}.log`),
        project: folder,
        onEvent,
        onState: (state, process, restarts) =>
          record.set(part.name, { port: part.port, address: part.address, state, process, restarts }),
      })
      supervisors.push(supervisor)
      return supervisor
    }
    await startInOrder(parts.map(supervise), fetched, signal, failed)
    return {
      addresses: addressesOf(config, ports),
      pids: () =>
        Object.fromEntries(supervisors.flatMap(({ part, process }) => (process ? [[part.name, process.pid]] : []))),
      kill: (part, name = 'SIGKILL') => supervisors.find((supervisor) => supervisor.part.name === part)?.kill(name),
      async supervise(make) {
        const remembered = record.current().ports.worker
        const { worker } = await choosePorts([{ name: 'worker', remembered }])
        record.choose('worker', worker!)
        await supervise(make(worker!)).start(signal)
      },
      async stop() {
        await stopInOrder(supervisors)
        record.end()
        lock.release()
      },
    }
  } catch (thrown) {
    failed.abort()
    // What failed first is what the user must know; a part that does not even end is found by `down`.
    await stopInOrder(supervisors).catch(() => undefined)
    record.end()
    lock.release()
    throw thrown
  }
}

/** Tools, memory and disks, before anything is begun. */
async function checkRequirements(folder: string, cache: string, names: readonly PartName[]): Promise<string> {
  const archives = archivesFor(names)
  const missing = new Set<Archive>()
  for (const archive of archives) if (!(await isFetched(archive, cache))) missing.add(archive)
  await mkdir(cache, { recursive: true })
  const [java] = await Promise.all([
    archives.length > 0 ? checkJava() : undefined,
    missing.size > 0 ? checkMaven() : undefined,
  ])
  const neededMb = names.reduce((sum, name) => sum + memoryMb(name), 0)
  checkRoom({
    memory: { neededMb, freeMb: freeMemoryMb() },
    disks: [
      { folder, neededMb: names.length > 0 ? 512 : 0, freeMb: await freeDiskMb(folder) },
      { folder: cache, neededMb: missing.size > 0 ? 1024 : 0, freeMb: await freeDiskMb(cache) },
    ],
  })
  return java ?? ''
}
