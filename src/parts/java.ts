import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fault } from '../errors.ts'
import type { Command } from './part.ts'

export interface JavaOptions {
  /** Folder of jars that make the class path. */
  readonly jars?: string
  /** A runnable jar instead. */
  readonly jar?: string
  readonly main?: string
  readonly args?: readonly string[]
  /** Least and largest heap, in MB. */
  readonly heapMb: readonly [number, number]
  readonly options?: readonly string[]
}

/** The command of one of our JVMs. */
export function javaCommand(java: JavaOptions): Command {
  return {
    file: javaFile(),
    args: [
      `-Xms${java.heapMb[0]}m`,
      `-Xmx${java.heapMb[1]}m`,
      '-XX:+UseSerialGC',
      '-XX:+ExitOnOutOfMemoryError',
      '-Djava.awt.headless=true',
      '-Dfile.encoding=UTF-8',
      ...(java.options ?? []),
      ...(java.jar ? ['-jar', java.jar] : ['-cp', join(java.jars ?? '', '*'), java.main ?? '']),
      ...(java.args ?? []),
    ],
  }
}

/** The Java to use: that of JAVA_HOME, else the first on the path. */
export function javaFile(env: NodeJS.ProcessEnv = process.env): string {
  return env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java'
}

/** Runs a short-lived Java program to its end. Throws `PART_TOOL_FAILED` with its last words when it fails. */
export async function runJava(run: {
  readonly jars: string
  readonly main: string
  readonly args: readonly string[]
  readonly what: string
  readonly signal?: AbortSignal | undefined
}): Promise<void> {
  const args = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(run.jars, '*'), run.main]
  const child = spawn(javaFile(), [...args, ...run.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(run.signal ? { signal: run.signal } : {}),
  })
  let words = ''
  const listen = (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-2_000)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0)
    throw fault('PART_TOOL_FAILED', { what: run.what, reason: words.trim().split('\n').at(-1) ?? `${code}` })
}
