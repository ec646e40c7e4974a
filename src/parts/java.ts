import { join } from 'node:path'
import { fault } from '../errors.ts'
import type { ClassArchive } from './class-archive.ts'
import type { Command, PrepareContext } from './part.ts'
import { runTool } from './tool.ts'

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
  /** Where the classes it loads are archived, to start faster the next time. */
  readonly classes?: ClassArchive | undefined
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
      ...(java.classes?.options() ?? []),
      ...(java.options ?? []),
      ...(java.jar ? ['-jar', java.jar] : ['-cp', join(java.jars ?? '', '*'), java.main ?? '']),
      ...(java.args ?? []),
    ],
  }
}

/** The Java to use: that of JAVA_HOME, else the first on the path. */
export function javaFile(env: NodeJS.ProcessEnv = process.env): string {
  return env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java'
}

/** Runs a short-lived Java program to its end. Throws `PART_TOOL_FAILED` with its last words when it fails. */
export async function runJava(
  run: { readonly jars: string; readonly main: string; readonly args: readonly string[]; readonly what: string },
  context: PrepareContext,
): Promise<void> {
  const options = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']
  const args = [...options, '-cp', join(run.jars, '*'), run.main, ...run.args]
  const { code, lines } = await runTool({ file: javaFile(), args, env: context.env }, context)
  if (code !== 0) throw fault('PART_TOOL_FAILED', { what: run.what, reason: lines.at(-1) ?? `it ended with ${code}` })
}
