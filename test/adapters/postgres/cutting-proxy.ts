import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes a Postgres connection through, and cuts it at a COMMIT when told to. */
export class CuttingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut: 'never' | 'before' | 'after' = 'never'
  port = 0

  private constructor(to: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => {
      const upstream = connect(to.port, to.host)
      let cutting = false
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => this.#sockets.delete(socket))
      }
      const drop = () => {
        client.destroy()
        upstream.destroy()
      }
      client.on('data', (data) => {
        if (this.#cut !== 'never' && data.includes('COMMIT\0')) {
          cutting = true
          if (this.#cut === 'before') return drop()
        }
        upstream.write(data)
      })
      upstream.on('data', (data) => {
        // The server has answered the commit; the client never learns.
        if (cutting) return data.includes('COMMIT\0') ? drop() : undefined
        client.write(data)
      })
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
    })
  }

  static async start(to: { readonly host: string; readonly port: number }): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(to)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.port = (proxy.#server.address() as { port: number }).port
    return proxy
  }

  /** From now on a connection that commits is cut before the COMMIT reaches the server, or after it took effect. */
  cut(when: 'never' | 'before' | 'after'): void {
    this.#cut = when
  }

  /** Drops every connection. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.dropAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
