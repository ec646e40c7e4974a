import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFile, lockHolder, lockProject } from '../../src/parts/lock.ts'
import { identify, ownIdentity } from '../../src/parts/process-identity.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
  mkdirSync(join(folder, '.millrace'))
})

afterEach(() => rmSync(folder, { recursive: true }))

describe('the lock of a project', () => {
  it('is had by one at a time, and the other is told by whom', () => {
    const lock = lockProject(folder)
    expect(() => lockProject(folder)).toThrow(
      expect.objectContaining({ code: 'PROJECT_LOCKED', facts: { folder, pid: process.pid } }),
    )
    lock.release()
    expect(lockHolder(folder)).toBeUndefined()
    lockProject(folder).release()
  })

  it('of a process that is gone is taken over', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(child, 'spawn')
    writeFileSync(lockFile(folder), JSON.stringify(identify(child.pid!)))
    expect(lockHolder(folder)?.pid).toBe(child.pid)
    child.kill('SIGKILL')
    await once(child, 'exit')
    lockProject(folder)
    expect(lockHolder(folder)).toEqual(ownIdentity())
  })

  it('is taken over when its pid belongs to another process now', () => {
    writeFileSync(lockFile(folder), JSON.stringify({ pid: process.ppid, started: 'an earlier life' }))
    lockProject(folder)
    expect(lockHolder(folder)).toEqual(ownIdentity())
  })

  it('is taken over when what is in it cannot be read', () => {
    writeFileSync(lockFile(folder), '{"pid":')
    lockProject(folder).release()
    expect(existsSync(lockFile(folder))).toBe(false)
  })

  it('is got by exactly one of many that find a stale one', async () => {
    writeFileSync(lockFile(folder), JSON.stringify({ pid: process.pid, started: 'an earlier life' }))
    const script = `
      const { lockProject } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/parts/lock.ts'))})
      try { lockProject(${JSON.stringify(folder)}); console.log('got'); setTimeout(() => {}, 4000) }
      catch (thrown) { console.log(thrown.code); setTimeout(() => {}, 4000) }`
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
          cwd: join(import.meta.dirname, '../..'),
        })
        const [chunk] = await once(child.stdout, 'data')
        return { child, answer: String(chunk).trim() }
      }),
    )
    for (const { child } of answers) child.kill('SIGKILL')
    expect(answers.map(({ answer }) => answer).sort()).toEqual([...Array(5).fill('PROJECT_LOCKED'), 'got'])
  })
})
