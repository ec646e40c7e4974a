import type { StopSignal } from './process-identity.ts'

/** `kafka`, `registry`, `connect`, `postgres:<database>`, or `worker`: what runs the declarations is supervised like what they stand on. */
export type PartName = 'kafka' | 'registry' | 'connect' | 'worker' | `postgres:${string}`

/** How to start a process. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Account to run as, when it is not ours. */
  readonly account?: Account | undefined
}

/** A user of the operating system. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface PrepareContext {
  readonly signal: AbortSignal
  /** What tools run on the way must have in their environment. */
  readonly env: Readonly<Record<string, string>>
}

/** One real program the platform stands on: what the supervisor must know to run it. */
export interface Part {
  readonly name: PartName
  readonly port: number
  /** Where others reach it. */
  readonly address: string
  /** Files and formats, before each start. Repeating it after an interruption is harmless. */
  prepare(context: PrepareContext): Promise<void>
  command(): Command
  /** Asks the part for a real answer; rejects until it can give one. */
  probe(signal: AbortSignal): Promise<void>
  /** What must be in place before others may use the part, after each start. Repeating it is harmless. */
  settle?(signal: AbortSignal): Promise<void>
  /** Told after each end of its process; `clean` when it ended by itself after being asked. */
  ended?(clean: boolean): void
  readonly readyWithinMs: number
  readonly stopSignals: readonly StopSignal[]
}
