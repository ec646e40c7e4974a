import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PartName } from './part.ts'
import { ownIdentity, type ProcessIdentity } from './process-identity.ts'
import type { PartState } from './supervisor.ts'

/** What is remembered of one part between commands, in `.millrace/parts.json`. */
export interface PartRecord {
  readonly port: number
  readonly address: string
  readonly state: PartState
  readonly process?: ProcessIdentity | undefined
  /** How often it was started again by itself since `up`. */
  readonly restarts: number
}

export interface PartsRecord {
  readonly version: 1
  /** The process that runs the parts now, or ran them last. */
  readonly owner?: ProcessIdentity | undefined
  /** Every port ever chosen, to choose the same again: by part, and `kafka-controller`. */
  readonly ports: Readonly<Record<string, number>>
  readonly parts: Readonly<Partial<Record<PartName, PartRecord>>>
}

const none: PartsRecord = { version: 1, ports: {}, parts: {} }

export function stateFile(folder: string): string {
  return join(folder, '.millrace', 'parts.json')
}

/** What is remembered; nothing when there is no file, or one that cannot be read. */
export function readState(folder: string): PartsRecord {
  try {
    const state = JSON.parse(readFileSync(stateFile(folder), 'utf8')) as Partial<PartsRecord>
    return state.version === 1 ? { ...none, ...state } : none
  } catch {
    return none
  }
}

/** Replaces what is remembered, whole. Not asynchronous: a process is remembered before anything else can happen to us. */
export function writeState(folder: string, state: PartsRecord): void {
  const file = stateFile(folder)
  writeFileSync(`${file}.draft`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.draft`, file)
}

/** Keeps `parts.json` up to date for the process that runs the parts. */
export interface RecordKeeper {
  current(): PartsRecord
  /** This process runs the parts from now on. */
  begin(ports: Readonly<Record<string, number>>): void
  set(part: PartName, record: PartRecord): void
  /** Remembers one more port. */
  choose(name: string, port: number): void
  /** All parts are stopped; the ports stay remembered. */
  end(): void
}

export function keepRecord(folder: string): RecordKeeper {
  let state = readState(folder)
  const write = (next: PartsRecord) => {
    state = next
    writeState(folder, state)
  }
  return {
    current: () => state,
    begin: (ports) => write({ version: 1, owner: ownIdentity(), ports, parts: {} }),
    set: (part, record) => write({ ...state, parts: { ...state.parts, [part]: record } }),
    choose: (name, port) => write({ ...state, ports: { ...state.ports, [name]: port } }),
    end: () => write({ version: 1, ports: state.ports, parts: {} }),
  }
}
