import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkJava, checkMaven, checkRoom, freeDiskMb, freeMemoryMb, javaMajor } from '../../src/parts/requirements.ts'

let bin: string
let env: NodeJS.ProcessEnv

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'millrace-bin-'))
  env = { PATH: `${bin}:/usr/bin:/bin`, JAVA_HOME: '' }
})

afterEach(() => rmSync(bin, { recursive: true }))

/** A program of that name that says the text, as the real ones do on their channel. */
function program(name: string, text: string, code = 0): void {
  writeFileSync(join(bin, name), `#!/bin/sh\ncat >&2 <<'END'\n${text}\nEND\nexit ${code}\n`)
  chmodSync(join(bin, name), 0o755)
}

describe('Java', () => {
  it('is missing', async () => {
    const error = checkJava({ PATH: bin, JAVA_HOME: '' })
    await expect(error).rejects.toMatchObject({ code: 'JAVA_MISSING', remedy: expect.stringContaining('Java 17') })
  })

  it('is missing when JAVA_HOME points nowhere', async () => {
    await expect(checkJava({ ...env, JAVA_HOME: join(bin, 'gone') })).rejects.toMatchObject({ code: 'JAVA_MISSING' })
  })

  it('is only the stub of the system that offers an installation', async () => {
    program('java', 'No Java runtime present, requesting install.', 1)
    await expect(checkJava(env)).rejects.toMatchObject({
      code: 'JAVA_MISSING',
      message: expect.stringContaining('No Java runtime present'),
    })
  })

  it.each([
    ['1.8.0_392', 8],
    ['11.0.2', 11],
    ['16-ea', 16],
  ])('%s is too old', async (version, major) => {
    expect(javaMajor(version)).toBe(major)
    program('java', `openjdk version "${version}" 2019-01-15`)
    await expect(checkJava(env)).rejects.toMatchObject({
      code: 'JAVA_TOO_OLD',
      message: expect.stringContaining(version),
      remedy: expect.stringContaining('17'),
    })
  })

  it.each(['17', '17.0.15', '21.0.1', '25-ea'])('%s will do', async (version) => {
    program('java', `openjdk version "${version}" 2025-04-15`)
    expect(await checkJava(env)).toBe(version)
  })
})

describe('Maven', () => {
  it('is missing', async () => {
    const error = checkMaven({ PATH: bin })
    await expect(error).rejects.toMatchObject({ code: 'MAVEN_MISSING', remedy: expect.stringContaining('3.6.3') })
  })

  it.each(['3.0.5', '3.6.2'])('%s is too old', async (version) => {
    program('mvn', `Apache Maven ${version}\nMaven home: /usr/share/maven`)
    await expect(checkMaven(env)).rejects.toMatchObject({ code: 'MAVEN_TOO_OLD', facts: { version } })
  })

  it.each(['3.6.3', '3.9.9', '4.0.0'])('%s will do', async (version) => {
    program('mvn', `Apache Maven ${version} (21122926829f1ead511c958d89bd2f672198ae9f)`)
    expect(await checkMaven(env)).toBe(version)
  })
})

describe('room', () => {
  it('is measured on this machine', async () => {
    expect(freeMemoryMb()).toBeGreaterThan(0)
    expect(await freeDiskMb(bin)).toBeGreaterThan(0)
  })

  it('of memory is too little', () => {
    expect(() => checkRoom({ memory: { neededMb: 1700, freeMb: 900 }, disks: [] })).toThrow(
      expect.objectContaining({ code: 'MEMORY_LOW', message: expect.stringMatching(/1700 MB.*900 MB/) }),
    )
  })

  it('on a disk is too little, and it is said on which', () => {
    const disks = [
      { folder: '/a', neededMb: 512, freeMb: 4000 },
      { folder: '/b', neededMb: 512, freeMb: 100 },
    ]
    expect(() => checkRoom({ disks })).toThrow(
      expect.objectContaining({ code: 'DISK_LOW', facts: { folder: '/b', neededMb: 512, freeMb: 100 } }),
    )
  })

  it('is enough when it is as much as needed', () => {
    expect(() => checkRoom({ memory: { neededMb: 5, freeMb: 5 }, disks: [] })).not.toThrow()
  })
})
