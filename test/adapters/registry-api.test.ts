import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registryApi } from '../../src/adapters/registry/registry-api.ts'

let server: Server
let url: string
let answers: Record<string, readonly [number, unknown]>
let asked: string[]

beforeEach(async () => {
  asked = []
  answers = { '/apis/ccompat/v7/schemas/ids/7': [200, { schema: '{"type":"string"}' }] }
  server = createServer((request, response) => {
    asked.push(request.url!)
    const [status, body] = answers[request.url!] ?? [404, { error_code: 40403 }]
    response.writeHead(status)
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

describe('the registry', () => {
  it('is asked once for a schema, also by several at once', async () => {
    const registry = registryApi({ url })
    const both = await Promise.all([registry.schema(7), registry.schema(7)])
    expect([...both, await registry.schema(7)]).toEqual(Array(3).fill('{"type":"string"}'))
    expect(asked).toHaveLength(1)
  })

  it('forgets the oldest schema when it knows enough, and no failure is remembered', async () => {
    const registry = registryApi({ url, schemasMax: 1 })
    await expect(registry.schema(8)).rejects.toMatchObject({ code: 'REGISTRY_SCHEMA_MISSING', retriable: false })
    answers['/apis/ccompat/v7/schemas/ids/8'] = [200, { schema: '"int"' }]
    expect(await registry.schema(8)).toBe('"int"')
    await registry.schema(7)
    await registry.schema(8)
    expect(asked.filter((path) => path.endsWith('/8'))).toHaveLength(3)
  })

  it('has the content itself where Apicurio cannot say what it is', async () => {
    answers['/apis/ccompat/v7/schemas/ids/9'] = [400, { message: 'Failed to discover artifact type' }]
    answers['/apis/registry/v2/ids/contentIds/9'] = [200, { type: 'record' }]
    expect(await registryApi({ url }).schema(9)).toBe('{"type":"record"}')
  })

  it('refuses schemas that are not Avro', async () => {
    answers['/apis/ccompat/v7/schemas/ids/9'] = [200, { schema: '{}', schemaType: 'JSON' }]
    await expect(registryApi({ url }).schema(9)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
  })

  it('is unreachable when it is busy or gone, and that can heal', async () => {
    answers['/apis/ccompat/v7/config'] = [503, 'starting']
    const registry = registryApi({ url })
    await expect(registry.compatibility()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE', retriable: true })
    answers['/apis/ccompat/v7/config'] = [200, { compatibilityLevel: 'BACKWARD' }]
    expect(await registry.compatibility()).toBe('BACKWARD')
    await new Promise((resolve) => server.close(resolve))
    await expect(registry.schema(7)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining(url),
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
})
