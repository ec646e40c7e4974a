import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { choosePorts, freePorts, isFree } from '../../src/parts/ports.ts'

const servers: Server[] = []

/** Listens on a port of the loopback address until the test is over. */
async function listen(port = 0): Promise<number> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as { port: number }).port
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

describe('choosing ports', () => {
  it('takes the remembered port again while it is free', async () => {
    const [remembered] = await freePorts(1)
    expect(await choosePorts([{ name: 'kafka', remembered }])).toEqual({ kafka: remembered })
  })

  it('chooses another when a program took the remembered one', async () => {
    const remembered = await listen()
    const { kafka } = await choosePorts([{ name: 'kafka', remembered }])
    expect(kafka).not.toBe(remembered)
    expect(await isFree(kafka!)).toBe(true)
  })

  it('refuses a pinned port that a program took, naming port and part', async () => {
    const pinned = await listen()
    await expect(choosePorts([{ name: 'connect', pinned }])).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: expect.stringContaining(`Port ${pinned}, which is pinned for connect`),
      remedy: expect.stringContaining(String(pinned)),
    })
  })

  it('refuses one port pinned for two parts', async () => {
    const [pinned] = await freePorts(1)
    const wishes = [
      { name: 'kafka', pinned },
      { name: 'connect', pinned },
    ]
    await expect(choosePorts(wishes)).rejects.toMatchObject({ code: 'PORT_BUSY' })
  })

  it('gives a pinned port to the part that pins it, though another remembers it', async () => {
    const [port] = await freePorts(1)
    const { kafka, connect } = await choosePorts([
      { name: 'kafka', remembered: port },
      { name: 'connect', pinned: port },
    ])
    expect(connect).toBe(port)
    expect(kafka).not.toBe(port)
  })

  it('never gives one port twice', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `part${n}`)
    const ports = Object.values(await choosePorts(names.map((name) => ({ name }))))
    expect(new Set(ports).size).toBe(40)
  })
})
