import type { Archive } from './cache.ts'
import { archivesFor } from './layout.ts'
import type { PartName } from './part.ts'
import type { Supervisor } from './supervisor.ts'

/** What must be ready before a part starts. Connect needs the registry only once its tasks run. */
function needs(name: PartName): readonly PartName[] {
  return name === 'registry' || name === 'connect' ? ['kafka'] : []
}

/**
 * Starts every part as soon as what it needs is ready and its files are there. Rejects with the first failure, after aborting the
 * other starts.
 */
export async function startInOrder(
  supervisors: readonly Supervisor[],
  fetched: ReadonlyMap<Archive, Promise<void>>,
  signal: AbortSignal,
  failed: AbortController,
): Promise<void> {
  const ready = new Map<PartName, Promise<void>>()
  const start = async (supervisor: Supervisor) => {
    const { name } = supervisor.part
    await Promise.all(archivesFor([name]).map((archive) => fetched.get(archive)))
    await Promise.all(needs(name).map((other) => ready.get(other)))
    await supervisor.start(signal)
  }
  let first: { readonly thrown: unknown } | undefined
  for (const supervisor of [...supervisors].sort((a, b) => rank(a.part.name) - rank(b.part.name))) {
    const starting = start(supervisor)
    ready.set(supervisor.part.name, starting)
    starting.catch((thrown: unknown) => {
      first ??= { thrown }
      failed.abort(thrown)
    })
  }
  await Promise.allSettled(ready.values())
  if (first) throw first.thrown
}

/** Ends them: Connect, registry, Kafka, then all Postgres servers together. All are tried; the first failure is thrown. */
export async function stopInOrder(supervisors: readonly Supervisor[]): Promise<void> {
  const failures: unknown[] = []
  for (const group of ['worker', 'connect', 'registry', 'kafka', 'postgres']) {
    const members = supervisors.filter(({ part }) => part.name.split(':')[0] === group)
    const results = await Promise.allSettled(members.map((supervisor) => supervisor.stop()))
    failures.push(...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
  }
  if (failures.length > 0) throw failures[0]
}

/** Kafka first, so that others find its promise. */
function rank(name: PartName): number {
  return name === 'kafka' ? 0 : 1
}
