import type { Cluster, Kafka } from 'kafkajs'
import { fault } from '../../errors.ts'

/** A connection to the brokers that speaks requests, without joining any group. */
export interface ClusterConnection {
  readonly cluster: Cluster
  close(): Promise<void>
}

/**
 * kafkajs has no way to read a partition from an offset: a consumer always starts from the group's offset or from a default, and
 * goes back to the default without a word when its offset is out of range. Its requests, though, are public, on the cluster that
 * every partition assigner is given. So a consumer is made and connected for its cluster alone; it never runs, never joins.
 */
export async function connectCluster(kafka: Kafka): Promise<ClusterConnection> {
  let cluster: Cluster | undefined
  const carrier = kafka.consumer({
    groupId: 'millrace.never-joined',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (config) => {
        cluster = config.cluster
        return { name: 'none', version: 0, assign: async () => [], protocol: () => ({ name: 'none', metadata: none }) }
      },
    ],
  })
  if (cluster === undefined) throw fault('DEFECT', { what: 'kafkajs did not hand over its cluster' })
  try {
    await carrier.connect()
  } catch (error) {
    await carrier.disconnect().catch(() => undefined)
    throw error
  }
  return { cluster, close: () => carrier.disconnect().catch(() => undefined) }
}

const none = Buffer.alloc(0)
