import { basename, join } from 'node:path'
import type { Config } from '../declare/config.ts'
import { type Archive, archiveFolder, archives } from './cache.ts'
import { classArchive } from './class-archive.ts'
import { connectPart } from './connect.ts'
import type { OnPartsEvent } from './events.ts'
import { kafkaPart } from './kafka.ts'
import type { Part, PartName } from './part.ts'
import type { PortWish } from './ports.ts'
import { postgresPart } from './postgres.ts'
import { registryPart } from './registry.ts'
import { secretsFolder } from './secrets.ts'

/** Where a project's systems are, embedded or not. */
export interface PartAddresses {
  /** `host:port` each. */
  readonly kafka: readonly string[]
  readonly connect: string
  readonly registry: string
  readonly databases: Readonly<Record<string, DatabasePlace>>
}

export interface DatabasePlace {
  readonly host: string
  readonly port: number
  readonly database: string
}

/** Names of the parts a project has us run: those its configuration gives no address for. */
export function embeddedParts(config: Config): PartName[] {
  const names: PartName[] = []
  if (!config.kafka) names.push('kafka')
  if (!config.registry) names.push('registry')
  if (!config.connect) names.push('connect')
  for (const [database, place] of Object.entries(config.databases ?? {})) {
    if (place.kind === 'embedded') names.push(`postgres:${database}`)
  }
  return names
}

/** What must be fetched to run these parts, in the order they are needed. */
export function archivesFor(names: readonly PartName[]): Archive[] {
  const needed: Readonly<Record<Archive, boolean>> = {
    kafka: names.includes('kafka') || names.includes('connect'),
    registry: names.includes('registry'),
    debezium: names.includes('connect'),
    converter: names.includes('connect'),
  }
  return archives.filter((archive) => needed[archive])
}

/** Memory that a part takes, in MB, as measured under load. */
export function memoryMb(name: PartName): number {
  if (name === 'kafka') return 450
  if (name === 'registry') return 300
  if (name === 'connect') return 750
  return 60
}

/** The ports that parts need, with what the project pins and what was chosen before. */
export function portWishes(
  names: readonly PartName[],
  config: Config,
  remembered: Readonly<Record<string, number>>,
): PortWish[] {
  const wishes = names.map(
    (name): PortWish => ({ name, pinned: pinnedPort(name, config), remembered: remembered[name] }),
  )
  if (!names.includes('kafka')) return wishes
  return [...wishes, { name: controllerPort, remembered: remembered[controllerPort] }]
}

const controllerPort = 'kafka-controller'

function pinnedPort(name: PartName, config: Config): number | undefined {
  if (name === 'kafka' || name === 'registry' || name === 'connect') return config.ports?.[name]
  const place = config.databases?.[databaseOf(name)]
  return place?.kind === 'embedded' ? place.port : undefined
}

/** The database of `postgres:<database>`. */
export function databaseOf(name: PartName): string {
  return name.slice('postgres:'.length)
}

/** All addresses, given the ports of the embedded parts. */
export function addressesOf(config: Config, ports: Readonly<Record<string, number>>): PartAddresses {
  const databases = Object.entries(config.databases ?? {}).map(([name, place]): [string, DatabasePlace] => [
    name,
    place.kind === 'embedded'
      ? { host: '127.0.0.1', port: ports[`postgres:${name}`] ?? 0, database: name }
      : { host: place.host, port: place.port, database: place.database },
  ])
  return {
    kafka: config.kafka?.brokers ?? [`127.0.0.1:${ports.kafka}`],
    connect: config.connect?.url ?? `http://127.0.0.1:${ports.connect}`,
    registry: config.registry?.url ?? `http://127.0.0.1:${ports.registry}`,
    databases: Object.fromEntries(databases),
  }
}

/** The parts of a project, ready to be supervised. */
export async function layOut(options: {
  readonly folder: string
  readonly config: Config
  readonly names: readonly PartName[]
  readonly ports: Readonly<Record<string, number>>
  readonly cache: string
  /** Version of the Java that runs them. */
  readonly java: string
  readonly onEvent: OnPartsEvent
}): Promise<Part[]> {
  const { folder, config, cache, ports } = options
  const own = join(folder, '.millrace')
  const at = (archive: Archive) => archiveFolder(archive, cache)
  const kafka = addressesOf(config, ports).kafka
  const secrets = secretsFolder(folder)
  const classes = async (name: PartName, archive: Archive) =>
    classArchive(join(cache, 'classes', `${name}-${basename(await at(archive))}-${options.java}.jsa`))
  const make = async (name: PartName): Promise<Part> => {
    const port = ports[name]!
    switch (name) {
      case 'kafka':
        return kafkaPart({
          lib: await at('kafka'),
          classes: await classes(name, 'kafka'),
          folder: join(own, 'kafka'),
          port,
          controllerPort: ports[controllerPort]!,
        })
      case 'registry':
        return registryPart({ lib: await at('registry'), classes: await classes(name, 'registry'), port, kafka })
      case 'connect':
        return connectPart({
          lib: await at('kafka'),
          classes: await classes(name, 'kafka'),
          plugins: [await at('debezium'), await at('converter')],
          folder: join(own, 'connect'),
          port,
          kafka,
          secrets,
        })
      default: {
        const database = databaseOf(name)
        const place = config.databases?.[database]
        return postgresPart({
          database,
          sql: place?.kind === 'embedded' && place.sql !== undefined ? join(folder, place.sql) : undefined,
          project: folder,
          folder: join(own, 'postgres', database),
          secrets,
          cache,
          port,
          onEvent: options.onEvent,
        })
      }
    }
  }
  return Promise.all(options.names.map(make))
}
