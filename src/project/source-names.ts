import type { PostgresSource } from '../declare/postgres-source.ts'

/** What a source's name is called elsewhere. */
export interface SourceNames {
  /** Debezium's `topic.prefix`, which signals are addressed to. */
  readonly prefix: string
  /** The topic that holds all the source committed. */
  readonly log: string
  /** The topic through which snapshots are asked for. */
  readonly signals: string
  readonly slot: string
  readonly publication: string
}

/** The names that belong to a source. Slots take only lower-case letters, digits and underscores. */
export function sourceNames(name: string, source: Pick<PostgresSource, 'slot' | 'publication'> = {}): SourceNames {
  const plain = `millrace_${name.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`.slice(0, 63)
  return {
    prefix: name,
    log: `${name}.log`,
    signals: `${name}.signals`,
    slot: source.slot ?? plain,
    publication: source.publication ?? plain,
  }
}
