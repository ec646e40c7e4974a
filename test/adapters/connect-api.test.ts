import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectApi } from '../../src/adapters/connect/connect-api.ts'
import type { ConnectApi } from '../../src/project/ports.ts'

type Answer = readonly [status: number, body?: unknown]

let server: Server
let connect: ConnectApi
let url: string
/** Answers by `METHOD path`, given out one by one, the last again and again. */
let answers: Record<string, Answer[]>
let asked: string[]

beforeEach(async () => {
  answers = {}
  asked = []
  server = createServer((request, response) => {
    const key = `${request.method} ${request.url}`
    asked.push(key)
    const found = answers[key] ?? [[404, { error_code: 404, message: 'not found' }]]
    const [status, body] = found.length > 1 ? found.shift()! : found[0]!
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  connect = connectApi({ url: `${url}/`, rebalanceMs: 700 })
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

describe('Connect over REST', () => {
  it('waits out a rebalance', async () => {
    const rebalancing: Answer = [409, { error_code: 409, message: 'rebalance in progress' }]
    answers = { 'PUT /connectors/shop/config': [rebalancing, rebalancing, [200, {}]] }
    await connect.put('shop', { 'connector.class': 'X' })
    expect(asked).toHaveLength(3)
  })

  it('gives up on a rebalance that does not end, in its own words', async () => {
    answers = { 'PUT /connectors/shop/config': [[409, { error_code: 409, message: 'rebalance in progress\nmore' }]] }
    await expect(connect.put('shop', {})).rejects.toMatchObject({
      code: 'CONNECT_REFUSED',
      message: 'Kafka Connect answered PUT /connectors/shop/config with 409: rebalance in progress',
    })
  })

  it('names the address when nobody answers', async () => {
    await new Promise((resolve) => server.close(resolve))
    await expect(connect.connectors()).rejects.toMatchObject({
      code: 'CONNECT_UNREACHABLE',
      retriable: true,
      message: expect.stringContaining(url),
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  it('takes a connector that is gone for none, and one without status yet for unassigned', async () => {
    expect(await connect.connector('shop')).toBeNull()
    answers = { 'GET /connectors/shop': [[200, { name: 'shop', config: { name: 'shop', a: '1' } }]] }
    expect(await connect.connector('shop')).toEqual({
      name: 'shop',
      config: { a: '1' },
      state: 'UNASSIGNED',
      error: null,
      tasks: [],
    })
  })

  it('asks for names as they are, whatever is in them', async () => {
    answers = { 'GET /connectors/a%2Fb%20c': [[200, { name: 'a/b c', config: {} }]] }
    expect((await connect.connector('a/b c'))?.name).toBe('a/b c')
  })

  it('gathers what validation has against a configuration, each once', async () => {
    answers = {
      'PUT /connector-plugins/X/config/validate': [
        [
          200,
          {
            configs: [
              { value: { name: 'fine', errors: [] } },
              { value: { name: 'slot.name', errors: ['is odd', 'is odd', 'is taken'] } },
            ],
          },
        ],
      ],
    }
    expect(await connect.validate('shop', { 'connector.class': 'a.b.X' })).toEqual([
      { property: 'slot.name', message: 'is odd' },
      { property: 'slot.name', message: 'is taken' },
    ])
  })

  it('forgets offsets before it deletes, so that a connector of that name starts afresh', async () => {
    answers = {
      'GET /connectors/shop': [[200, { name: 'shop', config: {} }]],
      'DELETE /connectors/shop/offsets': [[200, { message: 'done' }]],
      'DELETE /connectors/shop': [[204]],
    }
    await connect.remove('shop')
    expect(asked).toEqual(['GET /connectors/shop', 'DELETE /connectors/shop/offsets', 'DELETE /connectors/shop'])
  })

  it('tells a snapshot under way from one that is complete, and from none', async () => {
    const offset = (it: object | null): Answer => [200, { offsets: it === null ? [] : [{ partition: {}, offset: it }] }]
    answers = {
      'GET /connectors/shop/offsets': [
        offset(null),
        offset({}),
        offset({ lsn: 1, snapshot: 'INITIAL', snapshot_completed: false }),
        offset({ lsn: 1, snapshot: 'INITIAL', snapshot_completed: true }),
        offset({ lsn: 2 }),
      ],
    }
    const seen: (boolean | null)[] = []
    for (let i = 0; i < 5; i += 1) seen.push(await connect.snapshotting('shop'))
    expect(seen).toEqual([null, null, true, false, false])
  })
})
