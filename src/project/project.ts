import type { TableContract } from '../contract/table.ts'
import type { Config } from '../declare/config.ts'
import type { PostgresSource } from '../declare/postgres-source.ts'
import type { AnySync } from '../declare/sync.ts'
import type { Problem } from './problem.ts'

/** A declaration and the file it comes from. The file's path, without folder and ending, is its name. */
export interface Declared<Declaration> {
  /** `shop` for `connectors/shop.ts`, `eu.shop` for `connectors/eu/shop.ts`. */
  readonly name: string
  /** From the project's folder on, with `/`. */
  readonly file: string
  readonly declaration: Declaration
}

/** The configuration of any Kafka Connect connector, from a `.json` file. Secrets in it are `${secret:NAME}`. */
export type PlainConnector = Readonly<Record<string, string>>

/** A project folder, read: everything that is declared, and what is wrong with what could not be read. */
export interface Project {
  /** Absolute path. */
  readonly folder: string
  /** Marks what is the project's own in shared systems. */
  readonly name: string
  readonly config: Config
  readonly sources: readonly Declared<PostgresSource>[]
  readonly connectors: readonly Declared<PlainConnector>[]
  readonly syncs: readonly Declared<AnySync>[]
  /** Contracts by source, then by `schema.table`. */
  readonly contracts: ReadonlyMap<string, ReadonlyMap<string, TableContract>>
  /** By source: the string that stands for an unchanged value in its log. */
  readonly placeholders: ReadonlyMap<string, string>
  /** Declarations that could not be read. The project is then not whole. */
  readonly problems: readonly Problem[]
}
