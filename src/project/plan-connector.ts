import { createHash } from 'node:crypto'
import { isSecretive } from './plain-connector.ts'
import type { Difference, PlanStep } from './plan-model.ts'
import type { ConnectorConfig, ConnectorState } from './ports.ts'
import { debeziumPostgresClass, marked } from './source-connector.ts'

/** A connector's configuration with the fingerprint by which a later plan tells others' changes from the declaration's. */
export function withFingerprint(config: ConnectorConfig): ConnectorConfig {
  return { ...config, [marked.applied]: fingerprint(config) }
}

/** The step that makes a connector so; undefined when it is and works. `wanted` carries its fingerprint. */
export function planConnector(
  connector: { readonly name: string; readonly file: string; readonly secrets: readonly string[] },
  wanted: ConnectorConfig,
  present: ConnectorState | undefined,
): PlanStep | undefined {
  const { name, file, secrets } = connector
  const common = { kind: 'connector', name, file, sql: [], destructive: false } as const
  const operation = { do: 'putConnector', connector: name, config: wanted, secrets } as const
  if (present === undefined) {
    const differences = Object.entries(wanted).flatMap(([field, to]) =>
      isTelling(field, wanted) ? [{ field, from: null, to }] : [],
    )
    return { ...common, action: 'create', why: 'declared, not there', differences, operation }
  }
  const differences = differencesOf(present.config, wanted)
  if (differences.length > 0) {
    const drifted = present.config[marked.applied] !== fingerprint(present.config)
    const why = drifted ? 'somebody changed it' : 'the declaration changed'
    return { ...common, action: drifted ? 'drift' : 'change', why, differences, operation }
  }
  const trouble = troubleOf(present)
  if (trouble === undefined) return undefined
  return {
    ...common,
    action: 'restart',
    why: trouble,
    differences: [],
    operation: { do: 'restartConnector', connector: name },
  }
}

/** Of a source's many properties those that are its own; of any other connector all that were written. */
function isTelling(field: string, config: ConnectorConfig): boolean {
  if (config['connector.class'] !== debeziumPostgresClass) return !field.startsWith('millrace.')
  return ['connector.class', 'database.hostname', 'database.dbname', 'slot.name', 'table.include.list'].includes(field)
}

/** Why a connector does not work, in one line; undefined when it does, or is about to. */
export function troubleOf(connector: ConnectorState): string | undefined {
  const failed = connector.tasks.find(({ state }) => state === 'FAILED')
  if (failed !== undefined) return firstCause(failed.trace ?? 'its task failed')
  if (connector.state === 'FAILED') return connector.error ?? 'it failed'
  if (connector.state === 'PAUSED' || connector.state === 'STOPPED') return `somebody set it to ${connector.state}`
  return undefined
}

/** The innermost cause of a Java stack trace, which says more than the outermost. */
function firstCause(trace: string): string {
  const causes = trace.split('\n').filter((line) => line.startsWith('Caused by: '))
  return (causes.at(-1)?.slice('Caused by: '.length) ?? trace.split('\n')[0]!).trim().slice(0, 500)
}

function differencesOf(present: ConnectorConfig, wanted: ConnectorConfig): readonly Difference[] {
  const fields = [...new Set([...Object.keys(present), ...Object.keys(wanted)])].sort()
  return fields.flatMap((field) => {
    const from = present[field] ?? null
    const to = wanted[field] ?? null
    if (from === to || field === marked.applied) return []
    return [{ field, from: shown(field, from), to: shown(field, to) }]
  })
}

/** A secret that someone wrote into a connector in plain text is not repeated. */
function shown(field: string, value: string | null): string | null {
  return value !== null && isSecretive(field) && !value.startsWith('${') ? '(hidden)' : value
}

function fingerprint(config: ConnectorConfig): string {
  const own = Object.entries(config)
    .filter(([field]) => field !== marked.applied)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(own)).digest('hex').slice(0, 16)
}
