import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A running worker of this project, as other commands find it: `.millrace/workers/<pid>.json`. */
export interface WorkerFile {
  readonly pid: number
  /** Base of its `/status` and the others. */
  readonly url: string
  readonly syncs: readonly string[]
  readonly startedAt: string
}

function workersFolder(folder: string): string {
  return join(folder, '.millrace', 'workers')
}

/** Announces this worker; the function it returns takes the announcement back. */
export function announceWorker(folder: string, worker: WorkerFile): () => void {
  mkdirSync(workersFolder(folder), { recursive: true })
  const file = join(workersFolder(folder), `${worker.pid}.json`)
  writeFileSync(file, `${JSON.stringify(worker, null, 2)}\n`)
  return () => rmSync(file, { force: true })
}

/** The workers that are alive; announcements of dead ones are cleared away. */
export function readWorkers(folder: string): readonly WorkerFile[] {
  let names: readonly string[]
  try {
    names = readdirSync(workersFolder(folder))
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const file = join(workersFolder(folder), name)
    try {
      const worker = JSON.parse(readFileSync(file, 'utf8')) as WorkerFile
      if (alive(worker.pid)) return [worker]
      rmSync(file, { force: true })
    } catch {
      // Being written, or just removed by its worker.
    }
    return []
  })
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
