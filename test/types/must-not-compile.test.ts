import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

/**
 * Each file of `cases/` marks the lines that must not compile with `@ts-expect-error`, followed by a part of what the compiler
 * must say there. The markers are taken out before compiling, so that the errors themselves can be compared.
 */
const folder = resolve(import.meta.dirname, 'cases')
const files = readdirSync(folder).map((name) => join(folder, name))
const marker = /@ts-expect-error (.+)$/

const config = ts.parseJsonConfigFileContent(
  ts.readConfigFile('tsconfig.json', ts.sys.readFile).config,
  ts.sys,
  process.cwd(),
)
const host = ts.createCompilerHost(config.options)
const readSource = host.getSourceFile.bind(host)
host.getSourceFile = (name, version, ...rest) =>
  files.includes(resolve(name))
    ? ts.createSourceFile(name, readFileSync(name, 'utf8').replaceAll('@ts-expect-error', 'expected:'), version)
    : readSource(name, version, ...rest)
const program = ts.createProgram(files, config.options, host)

describe('types that must not compile', () => {
  test.each(files.map((file) => [file.slice(folder.length + 1), file] as const))('%s', (_name, file) => {
    const source = program.getSourceFile(file)!
    const errors = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      (error) => ({
        line: ts.getLineAndCharacterOfPosition(source, error.start!).line,
        text: ts.flattenDiagnosticMessageText(error.messageText, '\n'),
      }),
    )
    const expected = readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const text = marker.exec(line)?.[1]
        return text === undefined ? [] : [{ line: index + 1, text }]
      })
    expect(expected.length).toBeGreaterThan(0)
    expect(errors.map(({ line }) => line + 1)).toEqual(expected.map(({ line }) => line + 1))
    errors.forEach((error, index) => {
      expect(error.text).toContain(expected[index]!.text)
    })
  })
})
