import { expect } from 'vitest'
import { quoteName, quoteTable } from '../../../src/adapters/postgres/names.ts'
import { postgresSyncSink } from '../../../src/adapters/postgres/sink.ts'
import { postgresSinkDatabase } from '../../../src/adapters/postgres/target.ts'
import { sinkConformance, sortedRows } from '../sink-conformance.ts'
import { TestServer } from './server.ts'

let server: TestServer

sinkConformance({
  name: 'Postgres',
  constraints: true,
  async start() {
    server = await TestServer.start()
  },
  stop: () => server.stop(),
  async place(targets) {
    const connection = await server.database()
    const database = postgresSinkDatabase(connection)
    const report = await database.inspect({ sync: 'copy', targets })
    expect(report.problems).toEqual([])
    await database.apply(report.statements)
    await database.close()
    return {
      sink: () => postgresSyncSink({ connection, sync: 'copy', source: 'shop', targets }),
      async rows(at) {
        const target = targets[at]!
        const columns = target.columns.map(({ name }, place) => `${quoteName(name)}::text AS c${place}`)
        const rows = await server.query(connection, `SELECT ${columns} FROM ${quoteTable(target)}`)
        return sortedRows(
          rows.map((row) => target.columns.map((_, place) => row[`c${place}`] as string | null)),
          target.key.length,
        )
      },
    }
  },
})
