/** millrace: declarations and the types they are made of. */

export type { Change, SourceIdentity } from './contract/log-event.ts'
export type { ColumnContract, ColumnType, ForeignKey, TableContract } from './contract/table.ts'
export { type ColumnValue, Decimal, type Unchanged, unchanged } from './contract/values.ts'
export {
  type Config,
  type ConfigOptions,
  defineConfig,
  type EmbeddedDatabase,
  embedded,
  type RemoteDatabase,
} from './declare/config.ts'
export { type PostgresSink, type PostgresSinkOptions, postgresSink } from './declare/postgres-sink.ts'
export { type PostgresSource, type PostgresSourceOptions, postgresSource } from './declare/postgres-source.ts'
export { type Secret, secret } from './declare/secret.ts'
export { type SyncOptions, sync, type TableSync } from './declare/sync.ts'
export {
  type Image,
  type KeyOf,
  type ReadableRowOf,
  type RowOf,
  type Table,
  table,
  type UnchangeableOf,
} from './declare/table.ts'
export { type ErrorCode, type ErrorReport, isMillraceError, MillraceError } from './errors.ts'
