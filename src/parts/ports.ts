import { createServer } from 'node:net'
import { fault } from '../errors.ts'

/** True when this process could listen on the port of the loopback address now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.unref()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Ports the operating system calls free, all different: each is held until the last one is known. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port: 0, host: '127.0.0.1' }, resolve)
      })
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export interface PortWish {
  readonly name: string
  /** Exactly this port, or none: said by the project. */
  readonly pinned?: number | undefined
  /** The port of the last time, taken again when it is free. */
  readonly remembered?: number | undefined
}

/**
 * One port for each wish. A busy pinned port is refused (`PORT_BUSY`), since others rely on it; a busy remembered one is
 * replaced.
 */
export async function choosePorts(wishes: readonly PortWish[]): Promise<Record<string, number>> {
  const chosen: Record<string, number> = {}
  const taken = new Set<number>()
  for (const { name, pinned } of wishes) {
    if (pinned === undefined) continue
    if (taken.has(pinned) || !(await isFree(pinned))) throw fault('PORT_BUSY', { port: pinned, part: name })
    chosen[name] = pinned
    taken.add(pinned)
  }
  for (const { name, pinned, remembered } of wishes) {
    if (pinned !== undefined || remembered === undefined || taken.has(remembered)) continue
    if (!(await isFree(remembered))) continue
    chosen[name] = remembered
    taken.add(remembered)
  }
  const open = wishes.filter(({ name }) => chosen[name] === undefined)
  // A few more than needed: the system may hand out one that a part above took but does not listen on yet.
  const fresh = (await freePorts(open.length + taken.size)).filter((port) => !taken.has(port))
  open.forEach(({ name }, index) => {
    chosen[name] = fresh[index]!
  })
  return chosen
}
