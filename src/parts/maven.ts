import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fault } from '../errors.ts'

export interface MavenRun {
  readonly pom: string
  /** Folder the pom puts its files into. */
  readonly output: string
  readonly archive: string
  readonly signal?: AbortSignal | undefined
  /** Called after each downloaded file with the sum so far, in MB. */
  readonly onDownloaded?: (megabytes: number) => void
}

/** Lets Maven put what a pom names into a folder. Throws `PARTS_DOWNLOAD` with Maven's own words when it cannot. */
export async function runMaven(run: MavenRun): Promise<void> {
  const child = spawn('mvn', ['-B', '-f', run.pom, `-Dmillrace.output=${run.output}`, 'package'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(run.signal ? { signal: run.signal } : {}),
  })
  let megabytes = 0
  const complaints: string[] = []
  const read = (line: string) => {
    megabytes += downloadedMb(line)
    if (line.includes('Downloaded')) run.onDownloaded?.(megabytes)
    const complaint = /^\[ERROR\]\s+(.+)/.exec(line)?.[1]
    if (complaint !== undefined && complaints.length < 3) complaints.push(complaint)
  }
  createInterface({ input: child.stdout }).on('line', read)
  createInterface({ input: child.stderr }).on('line', read)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) {
    throw fault('PARTS_DOWNLOAD', { part: run.archive, reason: complaints[0] ?? `Maven ended with ${code}` })
  }
}

/** What one line of Maven's output says was downloaded, in MB. */
export function downloadedMb(line: string): number {
  const size = /Downloaded from .*\((\d+(?:\.\d+)?) (B|kB|MB|GB)/.exec(line)
  if (size === null) return 0
  const units: Readonly<Record<string, number>> = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 }
  return Number(size[1]) * (units[size[2]!] ?? 0)
}
