import { fault, messageOf } from '../../errors.ts'
import type { RegistryApi } from '../../project/ports.ts'

/** A schema registry's reading side, for whoever decodes. */
export interface SchemaReader {
  /**
   * The Avro schema of that id as JSON text. Throws `REGISTRY_SCHEMA_MISSING` when the registry does not know it, and
   * `REGISTRY_UNREACHABLE` (retriable) when nobody answers. Known ids are answered from memory: a schema never changes.
   */
  schema(id: number): Promise<string>
}

export interface RegistryOptions {
  /** The registry's base URL: its Confluent API is at `/apis/ccompat/v7` below it. */
  readonly url: string
  readonly timeoutMs?: number
  /** How many schemas are remembered. Default: 10000. */
  readonly schemasMax?: number
}

/** An Apicurio registry through its Confluent-compatible API. */
export function registryApi(options: RegistryOptions): RegistryApi & SchemaReader {
  const base = options.url.replace(/\/+$/, '')
  const confluent = '/apis/ccompat/v7'
  const timeoutMs = options.timeoutMs ?? 10_000
  const schemasMax = options.schemasMax ?? 10_000
  const schemas = new Map<number, Promise<string>>()

  const ask = async (path: string): Promise<Response> => {
    const unreachable = (reason: string, thrown?: unknown): Error =>
      fault('REGISTRY_UNREACHABLE', { url: base, reason }, thrown)
    const answer = await fetch(`${base}${path}`, { signal: AbortSignal.timeout(timeoutMs) }).catch(
      (thrown: unknown) => {
        throw unreachable(messageOf(thrown instanceof Error && thrown.cause ? thrown.cause : thrown), thrown)
      },
    )
    if (answer.status >= 500 || answer.status === 429) throw unreachable(`HTTP ${answer.status} ${await words(answer)}`)
    return answer
  }

  const fetchSchema = async (id: number): Promise<string> => {
    const answer = await ask(`${confluent}/schemas/ids/${id}`)
    if (answer.status === 404) throw fault('REGISTRY_SCHEMA_MISSING', { id, url: base })
    if (answer.status === 400) return fetchContent(id, await words(answer))
    await expectOk(answer, `schema ${id}`)
    const { schema, schemaType } = (await answer.json()) as { readonly schema: string; readonly schemaType?: string }
    if (schemaType !== undefined && schemaType !== 'AVRO') {
      throw fault('REGISTRY_REFUSED', { request: `schema ${id}`, status: 200, reason: `it is ${schemaType}, not Avro` })
    }
    return schema
  }

  /**
   * Apicurio guesses the type of a content before it answers in Confluent's form, and gives up on some valid Avro schemas (seen with a
   * jsonb column that has a default). Its own interface has the content as it was written, under the same id.
   */
  const fetchContent = async (id: number, reason: string): Promise<string> => {
    const answer = await ask(`/apis/registry/v2/ids/contentIds/${id}`)
    if (!answer.ok) throw fault('REGISTRY_REFUSED', { request: `schema ${id}`, status: 400, reason })
    return answer.text()
  }

  return {
    schema(id) {
      const known = schemas.get(id)
      if (known !== undefined) return known
      // Oldest first out; a schema that is asked for again is fetched again.
      if (schemas.size >= schemasMax) schemas.delete(schemas.keys().next().value!)
      const fetched = fetchSchema(id)
      schemas.set(id, fetched)
      fetched.catch(() => schemas.delete(id))
      return fetched
    },
    async compatibility() {
      const answer = await ask(`${confluent}/config`)
      await expectOk(answer, '/config')
      const mode = (await answer.json()) as { readonly compatibilityLevel?: string; readonly compatibility?: string }
      return mode.compatibilityLevel ?? mode.compatibility ?? 'NONE'
    },
  }
}

async function expectOk(answer: Response, request: string): Promise<void> {
  if (!answer.ok) throw fault('REGISTRY_REFUSED', { request, status: answer.status, reason: await words(answer) })
}

async function words(answer: Response): Promise<string> {
  return (await answer.text()).slice(0, 200)
}
