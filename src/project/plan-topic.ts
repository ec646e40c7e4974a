import type { PostgresSource } from '../declare/postgres-source.ts'
import { fault } from '../errors.ts'
import type { Difference, PlanStep } from './plan-model.ts'
import type { ConnectorConfig, TopicSpec, TopicState } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import { marked, requestBytesMax } from './source-connector.ts'
import { sourceNames } from './source-names.ts'

const dayMs = 86_400_000

/** The topics of a source, as they should be. The log is one partition: that is what keeps commit order. */
export function sourceTopics(name: string, source: PostgresSource): readonly TopicSpec[] {
  const { log, signals } = sourceNames(name, source)
  return topicsFor({ log, signals }, source.historyDays ?? 7, requestBytesMax(source))
}

function topicsFor(
  names: { readonly log: string; readonly signals: string },
  historyDays: number,
  bytesMax: number,
): readonly TopicSpec[] {
  const kept = {
    'cleanup.policy': 'delete',
    'retention.ms': String(Math.round(historyDays * dayMs)),
    'retention.bytes': '-1',
  }
  return [
    { name: names.log, partitions: 1, configs: { ...kept, 'max.message.bytes': String(bytesMax) } },
    { name: names.signals, partitions: 1, configs: kept },
  ]
}

/** With three replicas or more, no record counts as written before two have it. */
export function replicatedConfigs(replicas: number): Readonly<Record<string, string>> {
  return replicas >= 3 ? { 'min.insync.replicas': '2' } : {}
}

/**
 * Steps that make the topics of a source so. `applied` is the source's connector as it is: what was applied last, which tells a
 * change of the declaration from what somebody else did to the topic.
 */
export function planTopics(
  file: string,
  wanted: readonly TopicSpec[],
  present: ReadonlyMap<string, TopicState>,
  applied: ConnectorConfig | undefined,
  problems: Problem[],
): readonly PlanStep[] {
  const before = applied === undefined ? undefined : appliedTopics(wanted, applied)
  return wanted.flatMap((topic, index): readonly PlanStep[] => {
    const state = present.get(topic.name)
    const common = { kind: 'topic', name: topic.name, file, sql: [], destructive: false } as const
    if (state === undefined) {
      const differences = [
        { field: 'partitions', from: null, to: String(topic.partitions) },
        ...Object.entries(topic.configs).map(([field, to]) => ({ field, from: null, to })),
      ]
      const why = applied === undefined ? 'declared, not there' : 'somebody deleted it'
      const operation = { do: 'createTopic', topic, replicated: replicatedConfigs(3) } as const
      return [{ ...common, action: applied === undefined ? 'create' : 'drift', why, differences, operation }]
    }
    if (state.partitions !== topic.partitions) {
      const facts = { topic: topic.name, partitions: state.partitions }
      problems.push(problem(fault('TOPIC_UNFIT', facts), { file, field: topic.name }))
      return []
    }
    const configs = { ...topic.configs, ...replicatedConfigs(state.replicas) }
    const differences = Object.entries(configs).flatMap(([field, to]): readonly Difference[] => {
      const from = state.configs[field] ?? null
      return from === to ? [] : [{ field, from, to }]
    })
    if (differences.length === 0) return []
    const drifted = differences.some(({ field, to }) => before?.[index]?.configs[field] === to)
    const operation = { do: 'configureTopic', topic: topic.name, configs: toOf(differences) } as const
    const why = drifted ? 'somebody changed it' : 'the declaration changed'
    return [{ ...common, action: drifted ? 'drift' : 'change', why, differences, operation }]
  })
}

/** The topics as the connector that is there was applied with. */
function appliedTopics(wanted: readonly TopicSpec[], applied: ConnectorConfig): readonly TopicSpec[] {
  const [log, signals] = wanted
  return topicsFor(
    { log: log!.name, signals: signals!.name },
    Number(applied[marked.historyDays]),
    Number(applied['producer.override.max.request.size']),
  )
}

function toOf(differences: readonly Difference[]): Record<string, string> {
  return Object.fromEntries(differences.map(({ field, to }) => [field, to!]))
}
