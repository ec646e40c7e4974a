import { AssignerProtocol, type Cluster, type Logger } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { stickyAssigner } from '../../../src/adapters/kafka/sticky-assigner.ts'

const topic = 'shop.log'
const assigner = (owns: boolean) =>
  stickyAssigner(topic, () => owns)({ cluster: {} as Cluster, groupId: 'g', logger: {} as Logger })
const member = (memberId: string, owns: boolean) => ({
  memberId,
  memberMetadata: assigner(owns).protocol({ topics: [topic] }).metadata,
})

async function owners(members: { memberId: string; memberMetadata: Buffer }[]): Promise<string[]> {
  const assignments = await assigner(false).assign({ members, topics: [topic] })
  // Every member must get an answer, if only that it has nothing.
  expect(assignments.map(({ memberId }) => memberId).sort()).toEqual(members.map(({ memberId }) => memberId).sort())
  return assignments
    .filter(({ memberAssignment }) => {
      const { assignment } = AssignerProtocol.MemberAssignment.decode(memberAssignment)!
      return assignment[topic]?.includes(0)
    })
    .map(({ memberId }) => memberId)
}

describe('the log of a group', () => {
  it('goes to exactly one member', async () => {
    expect(await owners([member('c', false), member('a', false), member('b', false)])).toEqual(['a'])
  })

  it('stays with its owner when others join', async () => {
    expect(await owners([member('a', false), member('z', true), member('b', false)])).toEqual(['z'])
  })

  it('goes to one even when two believe they own it', async () => {
    expect(await owners([member('y', true), member('z', true)])).toEqual(['y'])
  })

  it('goes to a member whose data it cannot read, if there is no other', async () => {
    const stranger = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: [topic], userData: Buffer.alloc(0) })
    expect(await owners([{ memberId: 'x', memberMetadata: stranger }])).toEqual(['x'])
  })
})
