import type { MillraceError } from '../errors.ts'
import type { Archive } from './cache.ts'
import type { PartName } from './part.ts'

/** What happens to the parts, for whoever shows it to a person. */
export type PartsEvent =
  /** A first download is under way; sizes in MB, the total about. */
  | { readonly kind: 'fetching'; readonly archive: Archive; readonly downloadedMb: number; readonly totalMb: number }
  | { readonly kind: 'fetched'; readonly archive: Archive; readonly seconds: number }
  /** Processes that an earlier `up` left behind were ended. */
  | { readonly kind: 'leftovers-ended'; readonly parts: readonly string[] }
  | { readonly kind: 'port-changed'; readonly part: PartName; readonly from: number; readonly to: number }
  /** Data could not be kept under the project's folder, since the account the part runs as cannot reach it. */
  | { readonly kind: 'data-elsewhere'; readonly part: PartName; readonly folder: string }
  | { readonly kind: 'starting'; readonly part: PartName }
  | {
      readonly kind: 'ready'
      readonly part: PartName
      readonly address: string
      readonly pid: number
      readonly seconds: number
    }
  /** A part died or did not come up; it is started again after so long. */
  | { readonly kind: 'died'; readonly part: PartName; readonly error: MillraceError; readonly restartInMs: number }
  /** It is ready again, so many seconds after it died. */
  | { readonly kind: 'recovered'; readonly part: PartName; readonly pid: number; readonly seconds: number }
  | { readonly kind: 'stopping'; readonly part: PartName }
  | { readonly kind: 'stopped'; readonly part: PartName; readonly seconds: number; readonly killed: boolean }

export type OnPartsEvent = (event: PartsEvent) => void
