import { fault } from '../errors.ts'
import { runTool } from './tool.ts'

export interface MavenRun {
  readonly pom: string
  /** Folder the pom puts its files into. */
  readonly output: string
  readonly archive: string
  readonly signal?: AbortSignal | undefined
  readonly env?: Readonly<Record<string, string>>
  /** Called after each downloaded file with the sum so far, in MB. */
  readonly onDownloaded?: (megabytes: number) => void
}

/** Lets Maven put what a pom names into a folder. Throws `PARTS_DOWNLOAD` with Maven's own words when it cannot. */
export async function runMaven(run: MavenRun): Promise<void> {
  let megabytes = 0
  const { code, lines } = await runTool(
    { file: 'mvn', args: ['-B', '-f', run.pom, `-Dmillrace.output=${run.output}`, 'package'], env: run.env ?? {} },
    {
      signal: run.signal,
      onLine(line) {
        megabytes += downloadedMb(line)
        if (line.includes('Downloaded from')) run.onDownloaded?.(megabytes)
      },
    },
  )
  if (code === 0) return
  const reason = lines.find((line) => line.startsWith('[ERROR] '))?.slice('[ERROR] '.length)
  throw fault('PARTS_DOWNLOAD', { part: run.archive, reason: reason ?? `Maven ended with ${code}` })
}

/** What one line of Maven's output says was downloaded, in MB. */
export function downloadedMb(line: string): number {
  const size = /Downloaded from .*\((\d+(?:\.\d+)?) (B|kB|MB|GB)/.exec(line)
  if (size === null) return 0
  const units: Readonly<Record<string, number>> = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 }
  return Number(size[1]) * (units[size[2]!] ?? 0)
}
