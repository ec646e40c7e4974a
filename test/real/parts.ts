import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { defineConfig, embedded } from '../../src/declare/config.ts'
import { secretsFolder, startParts } from '../../src/parts/index.ts'
import { removeServerFolder, superuserLogin } from '../../src/parts/postgres.ts'

/** A Postgres of the run's own, as its administrator. */
export interface RealDatabase {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    kafka: string
    connect: string
    registry: string
    /** Folder whose files connectors refer to as `${dir:<folder>:<name>}`. */
    secretsDir: string
    databases: { shop: RealDatabase; billing: RealDatabase }
  }
}

/**
 * Starts every real part once for the run, with two empty databases, and ends them after it. Tests find them by `inject` or in the
 * file that MILLRACE_PARTS_FILE names. Who sets that variable before has parts running already, and none are started.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env.MILLRACE_PARTS_FILE) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'millrace-real-'))
  const { places, file, stop } = await startRealParts(folder)
  for (const [key, value] of Object.entries(places)) project.provide(key as 'kafka', value as string)
  process.env.MILLRACE_PARTS_FILE = file
  return async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Every real part in `folder`, with two empty databases, and a file that says where they are. */
export async function startRealParts(folder: string) {
  const names = ['shop', 'billing'] as const
  const config = defineConfig({ databases: { shop: embedded(), billing: embedded() } })
  const started = Date.now()
  const parts = await startParts({ folder, config })
  process.stdout.write(`real parts ready after ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  const secrets = secretsFolder(folder)
  const databases = Object.fromEntries(
    names.map((database) => {
      const { port } = parts.addresses.databases[database]!
      return [database, { ...superuserLogin({ secrets, database, port }), database }]
    }),
  ) as { shop: RealDatabase; billing: RealDatabase }
  const places = {
    kafka: parts.addresses.kafka.join(','),
    connect: parts.addresses.connect,
    registry: parts.addresses.registry,
    secretsDir: secrets,
    databases,
  }
  const file = join(folder, 'addresses.json')
  writeFileSync(file, JSON.stringify(places), { mode: 0o600 })
  return {
    places,
    file,
    async stop() {
      await parts.stop()
      for (const database of names) await removeServerFolder(join(folder, '.millrace', 'postgres', database))
    },
  }
}
