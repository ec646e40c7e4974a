import type { PostgresLocation } from './address.ts'
import type { ConnectorConfig, Statement, TopicSpec } from './ports.ts'
import type { Problem } from './problem.ts'

/** The difference between what is declared and what is there, as data. Holds no secret. */
export interface Plan {
  /** With an `error` among them the plan is not whole, and cannot be applied. */
  readonly problems: readonly Problem[]
  /** What `apply` does, in this order. Empty when everything is as declared. */
  readonly steps: readonly PlanStep[]
  /** What workers do by themselves, or are doing: progress, not change. */
  readonly loads: readonly PlannedLoad[]
}

export type PlanAction =
  | 'create'
  | 'change'
  | 'delete'
  /** Somebody else changed what was applied; it is set back. */
  | 'drift'
  /** It is as declared, but failed. */
  | 'restart'

/** One thing that `apply` makes so, as a person reads it and as it is done. */
export interface PlanStep {
  readonly action: PlanAction
  readonly kind: 'topic' | 'publication' | 'connector' | 'source' | 'sink' | 'position'
  /** `shop.log`, `public.orders`, ... as the system that holds it calls it. */
  readonly name: string
  /** The declaration's file; null when nothing declares it any more. */
  readonly file: string | null
  readonly why: string
  readonly differences: readonly Difference[]
  /** SQL that will run, where it is SQL. */
  readonly sql: readonly Statement[]
  /** True when data is lost that cannot be had again: it needs a yes. */
  readonly destructive: boolean
  readonly operation: Operation
}

export interface Difference {
  readonly field: string
  /** Null when it is not set. */
  readonly from: string | null
  readonly to: string | null
}

/** What a step does. */
export type Operation =
  | { readonly do: 'createTopic'; readonly topic: TopicSpec; readonly replicated: Readonly<Record<string, string>> }
  | { readonly do: 'configureTopic'; readonly topic: string; readonly configs: Readonly<Record<string, string>> }
  | { readonly do: 'runOnSource'; readonly at: PostgresLocation; readonly statements: readonly Statement[] }
  | { readonly do: 'runOnSink'; readonly at: PostgresLocation; readonly statements: readonly Statement[] }
  | {
      readonly do: 'putConnector'
      readonly connector: string
      readonly config: ConnectorConfig
      readonly secrets: readonly string[]
    }
  | { readonly do: 'restartConnector'; readonly connector: string }
  | { readonly do: 'removeConnector'; readonly connector: string }
  /** In this order, the connector last: it is what a later plan finds the rest by. */
  | {
      readonly do: 'removeSource'
      readonly connector: string
      /** Null when the database cannot be reached; then nothing is taken away there. */
      readonly at: PostgresLocation | null
      readonly statements: readonly Statement[]
      readonly topics: readonly string[]
    }

/** A load that a worker does when it next runs the sync, or is doing. */
export interface PlannedLoad {
  readonly sync: string
  readonly file: string
  readonly state: 'waiting' | 'running'
  readonly why: string
  /** Source tables with the planner's idea of their rows; null when never analyzed. */
  readonly tables: readonly { readonly table: string; readonly rowsEstimated: number | null }[]
}

/** True when `apply` has nothing to do. Loads do not count: they are progress. */
export function isEmpty(plan: Plan): boolean {
  return plan.steps.length === 0
}

/** True when the plan may not be applied. */
export function isBroken(plan: Plan): boolean {
  return plan.problems.some(({ severity }) => severity === 'error')
}

/** The steps that need a yes. */
export function destructiveSteps(plan: Plan): readonly PlanStep[] {
  return plan.steps.filter(({ destructive }) => destructive)
}
