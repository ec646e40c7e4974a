import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const main = join(root, 'src', 'cli', 'main.ts')

interface PartsFile {
  readonly ports: Readonly<Record<string, number>>
  readonly parts: Readonly<Record<string, { readonly address: string; readonly process?: { readonly pid: number } }>>
}

/** A copy of the root project under `.millrace/demo`, fresh for each demo and run through millrace's own command line. */
export class DemoProject {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<DemoProject> {
    const project = new DemoProject(join(root, '.millrace', 'demo'))
    await project.#millrace(['down'], 'quiet')
    removeServers(join(project.folder, '.millrace', 'postgres'))
    rmSync(project.folder, { recursive: true, force: true })
    mkdirSync(project.folder, { recursive: true })
    for (const part of [
      'millrace.config.ts',
      'package.json',
      'connectors',
      'processors',
      'schemas',
      'infra/postgres',
    ]) {
      cpSync(join(root, part), join(project.folder, part), { recursive: true })
    }
    return project
  }

  async up(): Promise<void> {
    const code = await this.#millrace(['up', '--detach'], 'shown')
    if (code !== 0) throw new Error('millrace up did not succeed; its own words are above')
  }

  /** What millrace itself says of it: for when something did not go well. */
  async status(): Promise<void> {
    await this.#millrace(['status'], 'shown')
  }

  async down(): Promise<void> {
    await this.#millrace(['down'], 'shown')
  }

  /** A connection to a service's database, as the service itself. */
  async connect(service: 'shop' | 'billing'): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.#parts().ports[`postgres:${service}`] ?? 0,
      database: service,
      user: service,
      password: this.#secret(`${service.toUpperCase()}_PASSWORD`),
    })
    // When a server goes, the query under way says so; the connection's own event has nobody else to tell.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  killWorker(): number {
    return this.#kill('worker')
  }

  killConnect(): number {
    return this.#kill('connect')
  }

  addresses(): readonly string[] {
    const { parts } = this.#parts()
    const shown = Object.entries(parts).map(([name, { address }]) => `${name.padEnd(18)} ${address}`)
    return [...shown, `passwords          ${join(this.folder, '.millrace', 'secrets')}`]
  }

  #kill(part: string): number {
    const pid = this.#parts().parts[part]?.process?.pid
    if (pid === undefined) throw new Error(`${part} does not run`)
    process.kill(pid, 'SIGKILL')
    return pid
  }

  #parts(): PartsFile {
    return JSON.parse(readFileSync(join(this.folder, '.millrace', 'parts.json'), 'utf8'))
  }

  #secret(name: string): string {
    return process.env[name] ?? readFileSync(join(this.folder, '.millrace', 'secrets', name), 'utf8').trim()
  }

  #millrace(words: readonly string[], how: 'shown' | 'quiet'): Promise<number> {
    const args = [...process.execArgv, main, '--folder', this.folder, ...words]
    const stdio = how === 'shown' ? 'inherit' : 'ignore'
    const child = spawn(process.execPath, args, { stdio: ['ignore', stdio, stdio] })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code) => resolve(code ?? 1))
    })
  }
}

/** A server's files may be elsewhere, with a link in their place, when its account could not reach the folder. */
function removeServers(folder: string): void {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const place = join(folder, name)
    if (!existsSync(place)) continue
    const real = realpathSync(place)
    if (real !== `${realpathSync(folder)}/${name}`) rmSync(dirname(real), { recursive: true, force: true })
  }
}
