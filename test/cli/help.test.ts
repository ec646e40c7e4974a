import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, it } from 'vitest'

const folder = join(import.meta.dirname, '../../src/cli')

/** Every file of src/cli that exports a command, found and not listed: a new one asks for its golden. */
const commands = await Promise.all(
  readdirSync(folder)
    .filter((file) => /export function \w+Command\(\)/.test(readFileSync(join(folder, file), 'utf8')))
    .sort()
    .map(async (file) => {
      const made: Record<string, unknown> = await import(join(folder, file))
      const [make] = Object.entries(made).filter(([name]) => name.endsWith('Command'))
      return { file, command: (make![1] as () => Command)() }
    }),
)

it('is what people read about each command', async () => {
  const texts = commands.map(({ command }) => {
    command.configureHelp({ helpWidth: 100 })
    return command.helpInformation()
  })
  await expect(texts.join(`\n${'-'.repeat(100)}\n\n`)).toMatchFileSnapshot('goldens/help.txt')
})

it('has one file for each command, called as it is', () => {
  expect(commands.map(({ file }) => file)).toEqual(commands.map(({ command }) => `${command.name()}.ts`))
  expect(commands.length).toBeGreaterThanOrEqual(8)
})
