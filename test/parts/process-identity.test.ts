import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { end, identify, isRunning, ownIdentity } from '../../src/parts/process-identity.ts'

/** A process that ignores SIGTERM when `stubborn`, and says when it is ready for signals. */
async function start(stubborn = false) {
  const script = `${stubborn ? "process.on('SIGTERM', () => {});" : ''} setInterval(() => {}, 1000); console.log('on')`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  return { child, identity: identify(child.pid!)! }
}

describe('the identity of a process', () => {
  it('stays the same while it runs', () => {
    expect(ownIdentity()).toEqual(identify(process.pid))
    expect(isRunning(ownIdentity())).toBe(true)
  })

  it('is not that of a later process with the same pid', () => {
    expect(isRunning({ pid: process.pid, started: 'long ago' })).toBe(false)
  })

  it('is gone with the process', async () => {
    const { child, identity } = await start()
    expect(isRunning(identity)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isRunning(identity)).toBe(false)
  })
})

describe('ending a process', () => {
  it('asks first', async () => {
    const { child, identity } = await start()
    expect(await end(identity, [{ signal: 'SIGTERM', waitMs: 5_000 }])).toBe('SIGTERM')
    expect(child.killed || isRunning(identity)).toBe(false)
  })

  it('kills what does not listen', async () => {
    const { identity } = await start(true)
    expect(await end(identity, [{ signal: 'SIGTERM', waitMs: 100 }])).toBe('SIGKILL')
    expect(isRunning(identity)).toBe(false)
  })

  it('leaves a process alone that only has the pid', async () => {
    const { child, identity } = await start()
    try {
      expect(await end({ ...identity, started: 'before' }, [{ signal: 'SIGTERM', waitMs: 100 }])).toBeUndefined()
      expect(isRunning(identity)).toBe(true)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
