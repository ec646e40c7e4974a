/** The real programs a project stands on: fetched, started, watched and stopped without containers. */

export { cacheFolder } from './cache.ts'
export type { OnPartsEvent, PartsEvent } from './events.ts'
export type { DatabasePlace, PartAddresses } from './layout.ts'
export type { Part, PartName } from './part.ts'
export { superuserLogin } from './postgres.ts'
export { type PartStatus, type PartsStatus, readParts } from './read.ts'
export { secretsFolder } from './secrets.ts'
export { type RunningParts, type StartPartsOptions, startParts } from './start.ts'
export { type RunningPostgres, startPostgres } from './start-postgres.ts'
export { type StoppedParts, stopParts } from './stop.ts'
