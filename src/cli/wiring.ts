import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as millrace from '../index.ts'
import * as operators from '../operators.ts'
import { loadProject } from '../project/load.ts'
import type { Project } from '../project/project.ts'
import * as testing from '../testing.ts'

/** Reads a project; its declarations get this program's own modules, so that there is one copy of millrace. */
export function openProject(folder: string): Promise<Project> {
  return loadProject(folder, { millrace, 'millrace/operators': operators, 'millrace/testing': testing })
}

/** A secret's value: the environment's, else the file's under `.millrace/secrets`; undefined when neither has one. */
export function secretValue(folder: string, name: string): string | undefined {
  const given = process.env[name]
  if (given !== undefined && given !== '') return given
  try {
    const stored = readFileSync(join(folder, '.millrace', 'secrets', name), 'utf8').trimEnd()
    return stored === '' ? undefined : stored
  } catch {
    return undefined
  }
}
