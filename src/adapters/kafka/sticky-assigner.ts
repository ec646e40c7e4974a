import { AssignerProtocol, type PartitionAssigner } from 'kafkajs'

/**
 * Gives the one partition of a log to the member that has it already, else to any. kafkajs' own assigner goes by member ids, which
 * are random: each standby that joins would take the log away from its owner half of the time.
 *
 * @param isOwner whether this member owns the log at this moment; it tells the group when it joins.
 */
export function stickyAssigner(topic: string, isOwner: () => boolean): PartitionAssigner {
  return () => ({
    name: 'millrace-sticky',
    version: 1,

    protocol: ({ topics }) => ({
      name: 'millrace-sticky',
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: 1,
        topics,
        userData: Buffer.from([isOwner() ? 1 : 0]),
      }),
    }),

    async assign({ members }) {
      const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
      const owner = sorted.find(({ memberMetadata }) => claims(memberMetadata)) ?? sorted[0]
      return sorted.map(({ memberId }) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 1,
          assignment: memberId === owner?.memberId ? { [topic]: [0] } : {},
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
}

function claims(metadata: Buffer): boolean {
  return AssignerProtocol.MemberMetadata.decode(metadata)?.userData?.[0] === 1
}
