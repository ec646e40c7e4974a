import { Command } from 'commander'
import { stopParts } from '../parts/index.ts'
import { act } from './action.ts'
import { exit } from './exit.ts'

/** `millrace down`: ends everything `up` started for this project, also when the `up` itself was killed. */
export function downCommand(): Command {
  const command = new Command('down')
    .summary('end all that `up` started')
    .description(
      "Ends the project's worker and parts, also when the `up` that started them was killed. Data stays in .millrace/.",
    )
  return act(command, async ({ folder, out }) => {
    out.progress('Ending the parts of this project …')
    const { owner, leftovers } = await stopParts(folder)
    if (owner !== undefined) out.line(`up (pid ${owner}) has ended, and all it had started.`)
    if (leftovers.length > 0) out.line(`Ended what an earlier up had left: ${leftovers.join(', ')}.`)
    if (owner === undefined && leftovers.length === 0) out.line('Nothing was running.')
    out.result({ owner: owner ?? null, leftovers })
    return exit.done
  })
}
