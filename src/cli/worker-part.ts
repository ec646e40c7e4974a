import type { Part } from '../parts/index.ts'

/** The project's worker as something `up` supervises beside the parts: this same program, running `run`. */
export function workerPart(folder: string, port: number): Part {
  const address = `http://127.0.0.1:${port}`
  return {
    name: 'worker',
    port,
    address,
    prepare: async () => undefined,
    command: () => ({
      file: process.execPath,
      args: [...process.execArgv, process.argv[1]!, 'run', '--folder', folder, '--port', String(port)],
    }),
    async probe(signal) {
      const answer = await fetch(`${address}/healthz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) })
      if (!answer.ok) throw answer.status
    },
    readyWithinMs: 30_000,
    // Long enough to drain: the worker itself gives up after 30 s.
    stopSignals: [{ signal: 'SIGTERM', waitMs: 35_000 }],
  }
}
