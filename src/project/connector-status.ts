import { troubleOf } from './plan-connector.ts'
import type { ConnectorState, SourceReport } from './ports.ts'

export interface ConnectorStatus {
  readonly name: string
  readonly healthy: boolean
  /** `snapshotting`, `failed`, Connect's own word in lower case, `missing`, or `unknown` when Connect does not answer. */
  readonly state: string
  /** What it failed with, or what keeps it from making progress, in one line. */
  readonly error: string | null
  /** WAL the source wrote that is not in the log yet, in bytes. Null for other connectors, or when the source does not answer. */
  readonly lagBytes: number | null
  /** WAL the slot makes the source keep, in bytes. */
  readonly keptBytes: number | null
}

/** `connector` is null when Connect has none of that name, undefined when Connect did not answer. */
export function connectorStatus(
  name: string,
  connector: ConnectorState | null | undefined,
  report: SourceReport | undefined,
  snapshotting: boolean,
): ConnectorStatus {
  const trouble = connector ? troubleOf(connector) : undefined
  const running = connector?.state === 'RUNNING' && connector.tasks.some(({ state }) => state === 'RUNNING')
  const error = trouble ?? (running ? stallOf(report, snapshotting) : undefined) ?? null
  const flushed = report?.slot?.confirmedFlushLsn ?? null
  const behind = report?.walLsn === undefined || flushed === null ? null : report.walLsn - flushed
  return {
    name,
    healthy: running && error === null,
    state: stateOf(connector, trouble !== undefined, running, snapshotting),
    error,
    lagBytes: behind === null ? null : Math.max(0, Number(behind)),
    keptBytes: report?.slot?.keptBytes == null ? null : Number(report.slot.keptBytes),
  }
}

function stateOf(
  connector: ConnectorState | null | undefined,
  failed: boolean,
  running: boolean,
  snapshotting: boolean,
): string {
  if (connector === undefined) return 'unknown'
  if (connector === null) return 'missing'
  if (failed) return 'failed'
  if (running) return snapshotting ? 'snapshotting' : 'running'
  return connector.state === 'RUNNING' ? 'starting' : connector.state.toLowerCase()
}

/** A task that runs and reads nothing: it tries to connect again and again, and Connect calls that running. */
function stallOf(report: SourceReport | undefined, snapshotting: boolean): string | undefined {
  const slot = report?.slot
  if (!slot || snapshotting) return undefined
  if (slot.walStatus === 'lost') return `the slot ${slot.name} has lost WAL that was not captured yet`
  return slot.active ? undefined : `nothing reads the slot ${slot.name}`
}
