import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { fault, messageOf } from '../errors.ts'
import type { SyncBoard } from './sync-board.ts'

export interface WorkerServer {
  readonly port: number
  close(): Promise<void>
}

/** A sync that has work and does none of it for this long makes its worker not ready. */
const patienceMs = 60_000

/**
 * A worker's door for probes and scrapers, on loopback unless told otherwise:
 * `/healthz` the process answers · `/readyz` its syncs make progress (503 and the reasons when not) · `/status` what each
 * does, as JSON · `/metrics` for Prometheus.
 */
export async function serveWorker(options: {
  readonly board: SyncBoard
  readonly metrics: Registry
  readonly host: string
  readonly port: number
}): Promise<WorkerServer> {
  const { board, metrics } = options
  const server = createServer(async (request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
    }
    const path = new URL(request.url ?? '/', 'http://worker').pathname
    if (request.method !== 'GET') send(405, 'text/plain', 'only GET\n')
    else if (path === '/healthz') send(200, 'text/plain', 'ok\n')
    else if (path === '/readyz') {
      const reasons = board.notReady(patienceMs)
      send(reasons.length === 0 ? 200 : 503, 'text/plain', reasons.length === 0 ? 'ready\n' : `${reasons.join('\n')}\n`)
    } else if (path === '/status') {
      const body = { pid: process.pid, syncs: board.reports() }
      send(
        200,
        'application/json',
        JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      )
    } else if (path === '/metrics') send(200, metrics.contentType, await metrics.metrics())
    else send(404, 'text/plain', 'try /healthz, /readyz, /status or /metrics\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(fault('WORKER_PORT', { host: options.host, port: options.port, reason: messageOf(error) }, error))
    })
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
