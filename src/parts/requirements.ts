import { statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { fault, messageOf } from '../errors.ts'
import { javaFile } from './java.ts'
import { runTool } from './tool.ts'

/** Throws `JAVA_MISSING` or `JAVA_TOO_OLD` unless Java 17 or later can be run. */
export async function checkJava(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const file = javaFile(env)
  const text = await output(file, ['-version'], env).catch((thrown: unknown) => {
    throw fault('JAVA_MISSING', { reason: messageOf(thrown) })
  })
  const version = /version "(\d+(?:\.\d+)*[^"]*)"/.exec(text)?.[1]
  if (version === undefined) throw fault('JAVA_MISSING', { reason: `${file} -version does not say a version` })
  if (javaMajor(version) < 17) throw fault('JAVA_TOO_OLD', { file, version })
  return version
}

/** 8 for "1.8.0_392", 17 for "17.0.15". */
export function javaMajor(version: string): number {
  const [first, second] = version.split(/[._-]/).map(Number)
  return first === 1 ? (second ?? 1) : (first ?? 0)
}

/** Throws `MAVEN_MISSING` or `MAVEN_TOO_OLD` unless Maven 3.6.3 or later can be run. */
export async function checkMaven(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const text = await output('mvn', ['-B', '--version'], env).catch((thrown: unknown) => {
    throw fault('MAVEN_MISSING', { reason: messageOf(thrown) })
  })
  const version = /Apache Maven (\d+)\.(\d+)\.(\d+)/.exec(text)
  if (version === null) throw fault('MAVEN_MISSING', { reason: 'mvn --version does not say a version' })
  const [major = 0, minor = 0, patch = 0] = version.slice(1).map(Number)
  const enough = major > 3 || (major === 3 && (minor > 6 || (minor === 6 && patch >= 3)))
  if (!enough) throw fault('MAVEN_TOO_OLD', { version: `${major}.${minor}.${patch}` })
  return `${major}.${minor}.${patch}`
}

/** Memory that programs can still have, in MB: of the machine, or of the container when that is less. */
export function freeMemoryMb(): number {
  const limit = process.constrainedMemory()
  const free = freemem()
  return Math.floor((limit > 0 ? Math.min(limit, free) : free) / 1_048_576)
}

/** Space that this process can still write on a folder's disk, in MB. */
export async function freeDiskMb(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return Math.floor((bavail * bsize) / 1_048_576)
}

/** Throws `MEMORY_LOW` or `DISK_LOW` when there is less than needed. */
export function checkRoom(room: {
  readonly memory?: { readonly neededMb: number; readonly freeMb: number }
  readonly disks: readonly { readonly folder: string; readonly neededMb: number; readonly freeMb: number }[]
}): void {
  if (room.memory && room.memory.freeMb < room.memory.neededMb) throw fault('MEMORY_LOW', room.memory)
  for (const disk of room.disks) if (disk.freeMb < disk.neededMb) throw fault('DISK_LOW', disk)
}

/** What a program says on both channels. Rejects when it cannot be run, fails, or takes longer than 30 s. */
async function output(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const { code, lines } = await runTool({ file, args, env: given }, { signal: AbortSignal.timeout(30_000) })
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${lines.join(' ').slice(0, 200)}`)
  return lines.join('\n')
}
