import { MemorySink } from '../../../src/adapters/memory/sink.ts'
import { Decimal } from '../../../src/contract/values.ts'
import { sinkConformance, sortedRows } from '../sink-conformance.ts'

sinkConformance({
  name: 'memory',
  constraints: true,
  waivers: {
    missingAfterDelete: 'a partial image after a delete is told also when a whole one follows in the group',
    absentAfterWhole: 'a whole image without a column forgets what an earlier image of the same group put there',
    violationValues: 'its violations name the whole row, not the key; no message of it leaves a test',
  },
  start: async () => {},
  stop: async () => {},
  async place(targets) {
    const store = new MemorySink(targets, { sync: 'copy' })
    return {
      sink: () => store.connect(),
      async rows(at) {
        const target = targets[at]!
        // What a reader sees: nothing of a transaction that is open.
        if (store.busy) return []
        return sortedRows(
          [...store.store.rows(at).values()].map((row) =>
            row.map((value, place) => text(value, target.columns[place]!.type.scale)),
          ),
          target.key.length,
        )
      },
    }
  },
})

function text(value: unknown, scale: number | undefined): string | null {
  if (value === null) return null
  return scale === undefined ? String(value) : new Decimal(String(value)).toFixed(scale)
}
