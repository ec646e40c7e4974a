import { describe, expect, it } from 'vitest'
import { type PostgresSourceOptions, postgresSource } from '../../src/declare/postgres-source.ts'
import { secret } from '../../src/declare/secret.ts'
import { refusedProperty } from '../../src/project/debezium-properties.ts'
import { renderSourceConnector } from '../../src/project/source-connector.ts'

const surroundings = {
  name: 'shop',
  project: 'shop-project',
  database: { host: 'db.internal', port: 5432, database: 'shop', user: 'capture', secret: 'SHOP_PASSWORD' },
  brokers: ['one:9092', 'two:9092'],
  registryUrl: 'http://registry:8080/',
  secretReference: (name: string) => `\${dir:/project/.millrace/secrets:${name}}`,
  placeholder: '0123456789abcdef0123456789abcdef',
}

const render = (options: Partial<PostgresSourceOptions> = {}, around = {}) =>
  renderSourceConnector(
    postgresSource({
      url: 'postgres://capture@db.internal/shop',
      password: secret('SHOP_PASSWORD'),
      tables: ['public.customers', 'public.orders'],
      ...options,
    }),
    { ...surroundings, ...around },
  )

const golden = (config: object) => `${JSON.stringify(config, null, 2)}\n`

describe('a source as Kafka Connect takes it', () => {
  it('with defaults', async () => {
    await expect(golden(render())).toMatchFileSnapshot('goldens/connector-defaults.json')
  })

  it('with every option', async () => {
    const config = render(
      {
        tables: ['public.Odd Names', 'public.a.b,c'.replace('a.b', 'a+b')],
        slot: 'my_slot',
        publication: 'my publication',
        historyDays: 2.5,
        recordBytesMax: 50_000_000,
        heartbeatMs: 500,
        pollMs: 50,
        debezium: { 'max.batch.size': '1', 'slot.max.retries': '3' },
      },
      { name: 'eu.shop-2', database: { ...surroundings.database, sslmode: 'verify-full' } },
    )
    await expect(golden(config)).toMatchFileSnapshot('goldens/connector-options.json')
  })

  it('names its tables by patterns that match nothing else', () => {
    const pattern = render({ tables: ['public.a+b,c'] })['table.include.list']!
    // As Debezium parts the list and matches: at commas without a backslash, each against the whole name.
    const parts = pattern.split(/(?<!\\),/).map((part) => new RegExp(`^(${part.replaceAll('\\,', ',')})$`))
    expect(parts).toHaveLength(1)
    expect(['public.a+b,c', 'publicxa+b,c', 'public.aab,c'].map((name) => parts[0]!.test(name))).toEqual([
      true,
      false,
      false,
    ])
  })

  it('lets a declaration override nothing that it sets, but what is its to set', () => {
    const free = Object.entries(render()).filter(([property, value]) => refusedProperty(property, value) === undefined)
    expect(free.map(([property]) => property)).toEqual(
      [
        'database.sslmode',
        'max.queue.size.in.bytes',
        'producer.override.buffer.memory',
        'producer.override.compression.type',
        'retriable.restart.connector.wait.ms',
        'slot.max.retries',
        'slot.retry.delay.ms',
      ].filter((property) => property in render()),
    )
  })
})
