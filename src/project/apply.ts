import { fault } from '../errors.ts'
import { awaitRunning, type Patience, systemPatience } from './await-running.ts'
import { isBroken, type Operation, type Plan, type PlanStep } from './plan-model.ts'
import { replicatedConfigs } from './plan-topic.ts'
import type { Platform } from './platform.ts'

/** What `applyPlan` is doing, for a person who watches. */
export type ApplyProgress =
  | {
      readonly kind: 'step'
      /** From 1. */
      readonly number: number
      readonly of: number
      readonly step: PlanStep
      readonly state: 'started' | 'done'
    }
  /** A connector was put and does not run yet; said every second. */
  | { readonly kind: 'waiting'; readonly connector: string; readonly state: string; readonly seconds: number }

/**
 * Makes everything as the plan says, in its order, and waits until connectors run. Interrupted anywhere it leaves what a new plan
 * shows the rest of; repeating a step is harmless. Throws `PLAN_BROKEN` when the plan has errors, `CONNECTOR_FAILED` with the cause
 * when a connector's task fails, and what the systems themselves throw.
 */
export async function applyPlan(
  plan: Plan,
  platform: Platform,
  onProgress: (progress: ApplyProgress) => void = () => undefined,
  time: Patience = systemPatience,
): Promise<void> {
  if (isBroken(plan)) {
    const errors = plan.problems.filter(({ severity }) => severity === 'error')
    throw fault('PLAN_BROKEN', { count: errors.length, first: errors[0]!.message })
  }
  const of = plan.steps.length
  for (const [index, step] of plan.steps.entries()) {
    onProgress({ kind: 'step', number: index + 1, of, step, state: 'started' })
    await run(step.operation, platform, onProgress, time)
    onProgress({ kind: 'step', number: index + 1, of, step, state: 'done' })
  }
}

async function run(
  operation: Operation,
  platform: Platform,
  onProgress: (progress: ApplyProgress) => void,
  time: Patience,
): Promise<void> {
  const { topics, connect } = platform
  switch (operation.do) {
    case 'createTopic': {
      await topics.create([operation.topic])
      // How many replicas a topic gets is the broker's to say, and known only now.
      const replicas = (await topics.describe([operation.topic.name])).get(operation.topic.name)?.replicas ?? 1
      const configs = replicatedConfigs(replicas)
      if (Object.keys(configs).length > 0) await topics.configure(operation.topic.name, configs)
      return
    }
    case 'configureTopic':
      return topics.configure(operation.topic, operation.configs)
    case 'runOnSource':
      return onDatabase(platform.source(operation.at), operation.statements)
    case 'runOnSink':
      return onDatabase(platform.sink(operation.at), operation.statements)
    case 'putConnector':
      await platform.deliverSecrets(operation.secrets)
      await connect.put(operation.connector, operation.config)
      return awaitRunning(operation.connector, connect, onProgress, time)
    case 'restartConnector':
      await connect.restart(operation.connector)
      return awaitRunning(operation.connector, connect, onProgress, time)
    case 'removeConnector':
      await connect.stop(operation.connector)
      return connect.remove(operation.connector)
    case 'removeSource':
      await connect.stop(operation.connector)
      if (operation.at !== null) await onDatabase(platform.source(operation.at), operation.statements)
      await topics.delete(operation.topics)
      return connect.remove(operation.connector)
  }
}

async function onDatabase<Statements>(
  database: { apply(statements: Statements): Promise<void>; close(): Promise<void> },
  statements: Statements,
): Promise<void> {
  try {
    await database.apply(statements)
  } finally {
    await database.close()
  }
}
