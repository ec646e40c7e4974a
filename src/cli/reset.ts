import { Command } from 'commander'
import { fault } from '../errors.ts'
import { locate } from '../project/index.ts'
import { act } from './action.ts'
import { agreed } from './agreed.ts'
import { exit } from './exit.ts'
import { addressesOf, openPlatform, openProject } from './wiring.ts'

interface ResetOptions {
  readonly yes?: boolean
}

/** `millrace reset <sync>`: has a sync load its tables anew. The way out when the log or the source is not what it was. */
export function resetCommand(): Command {
  const command = new Command('reset')
    .summary('have a sync load its tables anew')
    .description(
      'Forgets how far a sync is. Its worker, or the next one to start, loads all its tables again through staging and replaces the targets in one transaction. Until then the targets keep their rows, and applied_lsn is null: do not read.',
    )
    .argument('<sync>', 'the sync')
    .option('-y, --yes', 'do not ask')
  return act<ResetOptions>(command, async ({ folder, out }, { yes }, [name = '']) => {
    const project = await openProject(folder)
    const sync = project.syncs.find((one) => one.name === name)
    if (sync === undefined) {
      throw fault('SYNC_UNKNOWN', { name, known: project.syncs.map((one) => one.name).join(', ') || 'none' })
    }
    const addresses = addressesOf(project)
    const at = locate(sync.declaration.to, (database) => addresses.databases[database])
    if (at === undefined) {
      const known = Object.keys(addresses.databases).join(', ')
      throw fault('DATABASE_UNKNOWN', {
        file: sync.file,
        field: 'to.database',
        name: sync.declaration.to.database ?? '',
        known,
      })
    }
    const targets = Object.entries(sync.declaration.from).map(([entry, { contract }]) => {
      return `${sync.declaration.to.schema ?? contract.schema}.${sync.declaration.tables?.[entry]?.as ?? contract.table}`
    })
    out.line(`${name} will load ${targets.join(', ')} in ${at.database} again. Readers must wait until it is loaded.`)
    if (!(await agreed('Reset? Type yes: ', yes === true, out.json))) {
      out.line('Nothing was changed.')
      return exit.failed
    }
    const sink = openPlatform(project, addresses).sink(at)
    try {
      const known = await sink.forget(name)
      out.line(
        known
          ? `${name} is forgotten; a running worker starts the load at once.`
          : `${name} never ran: its first run loads.`,
      )
      out.result({ sync: name, forgotten: known })
      return exit.done
    } finally {
      await sink.close()
    }
  })
}
