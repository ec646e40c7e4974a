#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { applyCommand } from './apply.ts'
import { checkCommand } from './check.ts'
import { downCommand } from './down.ts'
import { exit, exitHelp } from './exit.ts'
import { planCommand } from './plan.ts'
import { resetCommand } from './reset.ts'
import { runCommand } from './run.ts'
import { statusCommand } from './status.ts'
import { typesCommand } from './types.ts'
import { upCommand } from './up.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('millrace')
  .description("Keeps services' data in step: from each service's Postgres through Kafka into other services' stores.")
  .version(version)
  .option('-C, --folder <path>', "the project's folder", '.')
  .option('--json', 'print one JSON document instead of lines for people')
  .configureHelp({ showGlobalOptions: true })
  .addHelpText('after', exitHelp)
  .showHelpAfterError('(--help lists the commands and options)')
  .exitOverride((ended) => {
    process.exit(ended.exitCode === 0 ? exit.done : exit.usage)
  })

for (const command of [
  upCommand(),
  downCommand(),
  checkCommand(),
  typesCommand(),
  planCommand(),
  applyCommand(),
  runCommand(),
  statusCommand(),
  resetCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program))
}

await program.parseAsync()
