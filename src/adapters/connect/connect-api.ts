import { fault } from '../../errors.ts'
import type { ConfigError, ConnectApi, ConnectorConfig, ConnectorState, ConnectPlugin } from '../../project/ports.ts'
import { type Rest, type RestOptions, rest } from './rest.ts'

/** How long the tasks of a connector may take to stop before it is removed, in ms. */
const stopMs = 60_000

/** Kafka Connect over its REST interface. */
export function connectApi(options: RestOptions): ConnectApi {
  const connect = rest(options)
  const at = (name: string): string => `/connectors/${encodeURIComponent(name)}`
  return {
    async plugins() {
      const plugins = await connect.send<readonly ConnectPlugin[]>('GET', '/connector-plugins?connectorsOnly=false')
      return (plugins ?? []).map((plugin) => ({
        class: plugin.class,
        type: plugin.type,
        version: plugin.version ?? null,
      }))
    },
    async connectors() {
      const all = await connect.send<Record<string, Expanded>>('GET', '/connectors?expand=info&expand=status')
      const states = Object.entries(all ?? {}).flatMap(([name, expanded]): [string, ConnectorState][] =>
        expanded.info === undefined ? [] : [[name, stateOf(name, expanded.info.config, expanded.status)]],
      )
      return new Map(states)
    },
    connector: (name) => readConnector(connect, name),
    validate: (name, config) => validate(connect, name, config),
    async put(name, config) {
      await connect.send('PUT', `${at(name)}/config`, { ...config, name })
    },
    async snapshotting(name) {
      const answer = await connect.send<Offsets>('GET', `${at(name)}/offsets`, undefined, true)
      const offset = answer?.offsets[0]?.offset
      // An empty offset is committed with the notice that the snapshot begins.
      if (!offset || Object.keys(offset).length === 0) return null
      return 'snapshot' in offset && offset.snapshot_completed !== true
    },
    async restart(name) {
      await connect.send('PUT', `${at(name)}/resume`)
      await connect.send('POST', `${at(name)}/restart?includeTasks=true&onlyFailed=true`)
    },
    async stop(name) {
      if ((await connect.send('GET', at(name), undefined, true)) === null) return
      await connect.send('PUT', `${at(name)}/stop`)
      await stopped(connect, name)
    },
    async remove(name) {
      if ((await connect.send('GET', at(name), undefined, true)) === null) return
      await connect.send('DELETE', `${at(name)}/offsets`, undefined, true)
      await connect.send('DELETE', at(name), undefined, true)
    },
  }
}

interface Expanded {
  readonly info?: { readonly config: Record<string, string> }
  readonly status?: Status
}

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[]
}

async function readConnector(connect: Rest, name: string): Promise<ConnectorState | null> {
  const at = `/connectors/${encodeURIComponent(name)}`
  const info = await connect.send<{ readonly config: Record<string, string> }>('GET', at, undefined, true)
  if (info === null) return null
  // The status appears a moment after the connector itself.
  const status = await connect.send<Status>('GET', `${at}/status`, undefined, true)
  return stateOf(name, info.config, status ?? undefined)
}

function stateOf(name: string, config: Record<string, string>, status: Status | undefined): ConnectorState {
  const { name: _, ...own } = config
  return {
    name,
    config: own,
    state: status?.connector.state ?? 'UNASSIGNED',
    error: status?.connector.trace?.split('\n')[0] ?? null,
    tasks: (status?.tasks ?? []).map((task) => ({ id: task.id, state: task.state, trace: task.trace ?? null })),
  }
}

interface Offsets {
  readonly offsets: readonly { readonly offset: Readonly<Record<string, unknown>> | null }[]
}

interface Validation {
  readonly configs: readonly {
    readonly value: { readonly name: string; readonly errors: readonly string[] }
  }[]
}

async function validate(connect: Rest, name: string, config: ConnectorConfig): Promise<readonly ConfigError[]> {
  const plugin = config['connector.class']!.split('.').at(-1)!
  const answer = await connect.send<Validation>(
    'PUT',
    `/connector-plugins/${encodeURIComponent(plugin)}/config/validate`,
    {
      ...config,
      name,
    },
  )
  return (answer?.configs ?? []).flatMap(({ value }) =>
    [...new Set(value.errors)].map((message) => ({ property: value.name, message })),
  )
}

async function stopped(connect: Rest, name: string): Promise<void> {
  const until = Date.now() + stopMs
  for (;;) {
    const connector = await readConnector(connect, name)
    if (connector === null || (connector.state === 'STOPPED' && connector.tasks.length === 0)) return
    if (Date.now() > until) throw fault('CONNECTOR_STOPS_NOT', { connector: name, seconds: stopMs / 1000 })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
