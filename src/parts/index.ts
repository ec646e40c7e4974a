/** The real programs a project stands on: fetched, started, watched and stopped without containers. */

export type { PartsEvent } from './events.ts'
export type { PartAddresses } from './layout.ts'
export type { Part, PartName } from './part.ts'
export { superuserLogin } from './postgres.ts'
export { readParts } from './read.ts'
export { secretsFolder } from './secrets.ts'
export { type RunningParts, startParts } from './start.ts'
export { type RunningPostgres, startPostgres } from './start-postgres.ts'
export { stopParts } from './stop.ts'
