import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TableContract } from '../../src/contract/table.ts'
import * as millrace from '../../src/index.ts'
import * as operators from '../../src/operators.ts'
import { loadProject } from '../../src/project/load.ts'
import type { Project } from '../../src/project/project.ts'
import * as testing from '../../src/testing.ts'

export const runningModules = { millrace, 'millrace/operators': operators, 'millrace/testing': testing }

/** A project folder of its own, removed with `remove`. */
export interface ProjectFolder {
  readonly folder: string
  /** Writes files, by path from the folder on; null removes one. */
  write(files: Readonly<Record<string, string | null>>): Promise<void>
  load(): Promise<Project>
  remove(): Promise<void>
}

export async function projectFolder(files: Readonly<Record<string, string>>): Promise<ProjectFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-project-'))
  const write: ProjectFolder['write'] = async (changed) => {
    for (const [path, text] of Object.entries(changed)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      if (text === null) await rm(join(folder, path), { force: true })
      else await writeFile(join(folder, path), text)
    }
  }
  await write(files)
  return {
    folder,
    write,
    load: () => loadProject(folder, runningModules),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** `schemas/<source>.ts` and the source's note, as `millrace types` would leave them. */
export function schemaFiles(source: string, contracts: readonly TableContract[]): Record<string, string> {
  const lines = contracts.map(
    (contract) => `export const ${contract.table.toLowerCase()} = table(${JSON.stringify(contract)})`,
  )
  return {
    [`schemas/${source}.ts`]: `import { table } from 'millrace'\n${lines.join('\n')}\n`,
    [`schemas/${source}/source.json`]: JSON.stringify({ unchanged: '0123456789abcdef0123456789abcdef' }),
  }
}

export const customers: TableContract = {
  source: 'shop',
  schema: 'public',
  table: 'customers',
  key: ['id'],
  columns: [
    { name: 'id', type: { name: 'int8', array: false }, nullable: false, unchangeable: false },
    { name: 'name', type: { name: 'text', array: false }, nullable: false, unchangeable: false },
    { name: 'notes', type: { name: 'text', array: false }, nullable: true, unchangeable: true },
  ],
  replicaIdentity: 'default',
  foreignKeys: [],
  uniques: [],
}

export const orders: TableContract = {
  ...customers,
  table: 'orders',
  columns: [
    { name: 'id', type: { name: 'int8', array: false }, nullable: false, unchangeable: false },
    { name: 'customer_id', type: { name: 'int8', array: false }, nullable: false, unchangeable: false },
    { name: 'status', type: { name: 'text', array: false }, nullable: false, unchangeable: false },
  ],
  foreignKeys: [
    {
      name: 'orders_customer_id_fkey',
      columns: ['customer_id'],
      references: { schema: 'public', table: 'customers', columns: ['id'] },
    },
  ],
}

/** A small project with nothing wrong: one source, one sync, one plain connector. */
export const shopFiles: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'shop-project', type: 'module' }),
  'millrace.config.ts': `import { defineConfig, embedded } from 'millrace'
export default defineConfig({ databases: { shop: embedded(), billing: embedded() } })
`,
  'connectors/shop.ts': `import { postgresSource, secret } from 'millrace'
export default postgresSource({
  database: 'shop',
  user: 'capture',
  password: secret('SHOP_PASSWORD'),
  tables: ['public.customers', 'public.orders'],
})
`,
  'connectors/archive.json': JSON.stringify({
    name: 'archive',
    config: {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      topics: 'shop.log',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect's own spelling
      'archive.password': '${secret:ARCHIVE_PASSWORD}',
    },
  }),
  'processors/billing-copy.ts': `import { postgresSink, secret, sync } from 'millrace'
import { customers, orders } from '../schemas/shop.js'
export default sync({
  from: { customers, orders },
  to: postgresSink({ database: 'billing', user: 'sync', password: secret('BILLING_PASSWORD'), schema: 'shop' }),
  tables: { customers: { columns: ['id', 'name'] } },
})
`,
  ...schemaFiles('shop', [customers, orders]),
}
