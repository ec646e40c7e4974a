import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PartsEvent } from '../../src/parts/events.ts'
import { unremembered } from '../../src/parts/leftovers.ts'
import type { Part } from '../../src/parts/part.ts'
import { freePorts } from '../../src/parts/ports.ts'
import { isRunning, type ProcessIdentity } from '../../src/parts/process-identity.ts'
import { expectOk } from '../../src/parts/registry.ts'
import { type PartState, Supervisor } from '../../src/parts/supervisor.ts'

let folder: string
let port: number
let events: PartsEvent[]
let states: PartState[]
let supervisor: Supervisor

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'))
  ;[port] = (await freePorts(1)) as [number]
  events = []
  states = []
})

afterEach(async () => {
  await supervisor.stop()
  rmSync(folder, { recursive: true })
})

/** A small HTTP server as a part; `script` runs before it listens. */
function make(script = '', change: Partial<Part> = {}): Supervisor {
  const address = `http://127.0.0.1:${port}`
  const code = `${script}\nrequire('http').createServer((q, a) => a.end()).listen(${port}, '127.0.0.1')`
  const part: Part = {
    name: 'registry',
    port,
    address,
    prepare: async () => undefined,
    command: () => ({ file: process.execPath, args: ['-e', code] }),
    probe: (signal) => expectOk(address, signal),
    readyWithinMs: 10_000,
    stopSignals: [{ signal: 'SIGTERM', waitMs: 2_000 }],
    ...change,
  }
  supervisor = new Supervisor(part, {
    log: join(folder, 'part.log'),
    project: folder,
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
  })
  return supervisor
}

const never = new AbortController().signal

async function until(kind: PartsEvent['kind'], count = 1): Promise<PartsEvent> {
  for (;;) {
    const found = events.filter((event) => event.kind === kind)
    if (found.length >= count) return found[count - 1]!
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a supervised part', () => {
  it('is ready when it answers, and gone after stop', async () => {
    await make('setTimeout(() => {}, 300)').start(never)
    const process = supervisor.process as ProcessIdentity
    expect(supervisor.state).toBe('ready')
    expect((await fetch(`http://127.0.0.1:${port}`)).ok).toBe(true)
    expect(unremembered(folder)).toEqual([process])
    await supervisor.stop()
    expect(isRunning(process)).toBe(false)
    expect(states).toEqual(['starting', 'ready', 'stopping', 'stopped'])
    expect(events.map(({ kind }) => kind)).toEqual(['starting', 'ready', 'stopping', 'stopped'])
  })

  it('is started again each time it is killed, and that is said', async () => {
    await make().start(never)
    const first = supervisor.process!.pid
    supervisor.kill('SIGKILL')
    expect(await until('died')).toMatchObject({ restartInMs: 250, error: { code: 'PART_EXITED' } })
    const recovered = await until('recovered')
    expect(recovered).toMatchObject({ part: 'registry', pid: supervisor.process!.pid })
    expect(supervisor.process!.pid).not.toBe(first)
    expect((await fetch(`http://127.0.0.1:${port}`)).ok).toBe(true)
    supervisor.kill('SIGKILL')
    expect(await until('died', 2)).toMatchObject({ restartInMs: 500 })
    await until('recovered', 2)
  })

  it('that does not come up is refused with its last words', async () => {
    make("console.error('cannot read the settings'); process.exit(3)")
    await expect(supervisor.start(never)).rejects.toMatchObject({
      code: 'PART_EXITED',
      message: expect.stringMatching(/registry ended by itself \(exit code 3\)[\s\S]*cannot read the settings/),
    })
    expect(unremembered(folder)).toEqual([])
  })

  it('that never answers is refused with its last words, and ended', async () => {
    make('', {
      readyWithinMs: 1_500,
      command: () => ({
        file: process.execPath,
        args: ['-e', "console.log('waiting for the moon'); setInterval(() => {}, 1000)"],
      }),
    })
    await expect(supervisor.start(never)).rejects.toMatchObject({
      code: 'PART_NOT_READY',
      message: expect.stringMatching(/within \d s[\s\S]*waiting for the moon/),
      remedy: expect.stringContaining(join(folder, 'part.log')),
    })
    expect(unremembered(folder)).toEqual([])
  })

  it('whose program is missing is refused', async () => {
    make('', { command: () => ({ file: join(folder, 'none'), args: [] }) })
    await expect(supervisor.start(never)).rejects.toMatchObject({
      code: 'PART_TOOL_FAILED',
      message: expect.stringContaining('ENOENT'),
    })
  })

  it('whose disk is full says so', async () => {
    make("console.error('write error: No space left on device'); process.exit(1)")
    await expect(supervisor.start(never)).rejects.toMatchObject({
      code: 'DISK_FULL',
      facts: { part: 'registry', folder },
    })
  })

  it('whose port another program took is not started', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    await expect(make().start(never)).rejects.toMatchObject({ code: 'PORT_BUSY', facts: { port, part: 'registry' } })
    server.close()
  })

  it('that is stubborn is killed', async () => {
    await make("process.on('SIGTERM', () => {})", { stopSignals: [{ signal: 'SIGTERM', waitMs: 200 }] }).start(never)
    await supervisor.stop()
    expect(events.at(-1)).toMatchObject({ kind: 'stopped', killed: true })
  })

  it('can be stopped while it starts', async () => {
    make('', { probe: () => Promise.reject(new Error('not yet')) })
    const starting = supervisor.start(never)
    await until('starting')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await Promise.all([expect(starting).rejects.toThrow(), supervisor.stop()])
    expect(unremembered(folder)).toEqual([])
    expect(supervisor.state).toBe('stopped')
  })

  it('can be stopped between two attempts', async () => {
    await make().start(never)
    supervisor.kill('SIGKILL')
    await until('died')
    await supervisor.stop()
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(unremembered(folder)).toEqual([])
  })
})
