import type { Clock } from '../engine/ports.ts'
import { fault } from '../errors.ts'
import type { ApplyProgress } from './apply.ts'
import { troubleOf } from './plan-connector.ts'
import type { ConnectApi, ConnectorState } from './ports.ts'

/** How long a connector may take until its tasks run, in ms. */
const patienceMs = 120_000
/** A failure that is still shown this long after a start is the new start's own, not what is left of the one before. */
const staleMs = 5000
const pollMs = 250
/** Seen running this often, one poll after the other: a task can fail just after its start. */
const steadyPolls = 3

/** What waiting needs of time. */
export type Patience = Pick<Clock, 'nowMs' | 'sleep'>

export const systemPatience: Patience = {
  nowMs: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/**
 * Returns when the connector's tasks run. Throws `CONNECTOR_FAILED` with the cause when one fails and fails again after a restart,
 * and `CONNECTOR_STARTS_NOT` when they take too long.
 */
export async function awaitRunning(
  name: string,
  connect: ConnectApi,
  onProgress: (progress: ApplyProgress) => void,
  time: Patience,
): Promise<void> {
  const never = new AbortController().signal
  const started = time.nowMs()
  let restarted: number | undefined
  let steady = 0
  let saidSeconds = 0
  for (;;) {
    const connector = await connect.connector(name)
    const trouble = connector === null ? undefined : troubleOf(connector)
    const now = time.nowMs()
    steady = isRunning(connector) ? steady + 1 : 0
    if (steady === steadyPolls) return
    if (trouble !== undefined) {
      if (restarted === undefined) {
        await connect.restart(name)
        restarted = now
      } else if (now - restarted > staleMs) throw fault('CONNECTOR_FAILED', { connector: name, reason: trouble })
    }
    const seconds = Math.floor((now - started) / 1000)
    const state = describe(connector)
    if (now - started > patienceMs) throw fault('CONNECTOR_STARTS_NOT', { connector: name, seconds, state })
    if (seconds > saidSeconds) onProgress({ kind: 'waiting', connector: name, state, seconds })
    saidSeconds = seconds
    await time.sleep(pollMs, never)
  }
}

function isRunning(connector: ConnectorState | null): boolean {
  return (
    connector !== null &&
    connector.state === 'RUNNING' &&
    connector.tasks.length > 0 &&
    connector.tasks.every(({ state }) => state === 'RUNNING')
  )
}

function describe(connector: ConnectorState | null): string {
  if (connector === null) return 'Connect does not show it yet'
  const tasks = connector.tasks.map(({ state }) => state).join(', ') || 'none yet'
  return `connector ${connector.state}, tasks ${tasks}`
}
