import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { archiveFolder, archives, cacheFolder, fetchArchive, fetchInTurn, isFetched } from '../../src/parts/cache.ts'
import type { PartsEvent } from '../../src/parts/events.ts'
import { downloadedMb } from '../../src/parts/maven.ts'

let folder: string
let cache: string
const path = process.env.PATH

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-cache-'))
  cache = join(folder, 'cache')
  mkdirSync(join(folder, 'bin'))
  process.env.PATH = `${join(folder, 'bin')}:${path}`
})

afterEach(() => {
  process.env.PATH = path
  rmSync(folder, { recursive: true })
})

/** A Maven that puts two files into the output folder, the second after `pauseS`, unless it is told to fail. */
function maven({ pauseS = 0, fails = false } = {}): void {
  const file = join(folder, 'bin', 'mvn')
  const script = [
    '#!/bin/sh',
    `echo run >> ${join(folder, 'runs')}`,
    'for word in "$@"; do case "$word" in -Dmillrace.output=*) out=$(echo "$word" | cut -d= -f2-);; esac; done',
    'mkdir -p "$out/.maven"; echo one > "$out/one.jar"',
    'echo "Downloaded from central: https://example.org/one.jar (1.5 MB at 2.0 MB/s)"',
    `sleep ${pauseS}`,
    fails ? 'echo "[ERROR] Could not transfer artifact org.example:two"; exit 1' : 'echo two > "$out/two.jar"',
  ]
  writeFileSync(file, `${script.join('\n')}\n`)
  chmodSync(file, 0o755)
}

function runs(): number {
  return existsSync(join(folder, 'runs')) ? readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length : 0
}

describe('the cache of fetched parts', () => {
  it('is where the environment says', () => {
    expect(cacheFolder({ MILLRACE_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a')
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/millrace')
    expect(cacheFolder({})).toMatch(/\/\.cache\/millrace$/)
  })

  it('has a folder of its own for each pin', async () => {
    const folders = await Promise.all(archives.map((archive) => archiveFolder(archive, '/cache')))
    expect(new Set(folders).size).toBe(archives.length)
    expect(folders[0]).toMatch(/^\/cache\/parts\/kafka-[0-9a-f]{16}$/)
    expect(await archiveFolder('kafka', '/cache')).toBe(folders[0])
  })

  it('is filled once, with progress, and without the build tool’s own files', async () => {
    maven()
    const progress: number[] = []
    const options = { cache, onProgress: ({ downloadedMb }: { downloadedMb: number }) => progress.push(downloadedMb) }
    const fetched = await fetchArchive('kafka', options)
    expect(readdirSync(fetched).sort()).toEqual(['one.jar', 'two.jar'])
    expect(progress).toEqual([1.5])
    expect(await fetchArchive('kafka', options)).toBe(fetched)
    expect(runs()).toBe(1)
  })

  it('holds nothing of a fetch that failed, and the error says why', async () => {
    maven({ fails: true })
    await expect(fetchArchive('kafka', { cache })).rejects.toMatchObject({
      code: 'PARTS_DOWNLOAD',
      message: expect.stringContaining('Could not transfer artifact org.example:two'),
    })
    expect(readdirSync(join(cache, 'parts'))).toEqual([])
    maven()
    await fetchArchive('kafka', { cache })
    expect(await isFetched('kafka', cache)).toBe(true)
  })

  it('holds nothing of a fetch that was interrupted', async () => {
    maven({ pauseS: 5 })
    const stop = new AbortController()
    const fetching = fetchArchive('kafka', { cache, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(fetching).rejects.toThrow()
    expect(await isFetched('kafka', cache)).toBe(false)
    expect(readdirSync(join(cache, 'parts'))).toEqual([])
  })

  it('is whole after two fetched the same at once', async () => {
    maven({ pauseS: 0.3 })
    const [first, second] = await Promise.all([fetchArchive('kafka', { cache }), fetchArchive('kafka', { cache })])
    expect(first).toBe(second)
    expect(readdirSync(first!).sort()).toEqual(['one.jar', 'two.jar'])
    expect(readdirSync(join(cache, 'parts'))).toHaveLength(1)
  })

  it('loses what a killed fetch left behind, and nothing of one under way', async () => {
    maven({ pauseS: 0.5 })
    const dead = join(cache, 'parts', '.draft-kafka-dead')
    mkdirSync(dead, { recursive: true })
    writeFileSync(join(dead, 'owner.json'), JSON.stringify({ pid: process.pid, started: 'an earlier life' }))
    await Promise.all([fetchArchive('kafka', { cache }), fetchArchive('debezium', { cache })])
    expect(existsSync(dead)).toBe(false)
    expect(await isFetched('debezium', cache)).toBe(true)
  })

  it('tells progress of several, and a failure reaches only those who wait for it', async () => {
    maven()
    const events: PartsEvent[] = []
    const options = {
      cache,
      onEvent: (event: PartsEvent) => events.push(event),
      env: {},
      signal: AbortSignal.timeout(9_000),
    }
    const promises = fetchInTurn(['kafka', 'registry'], options)
    await Promise.all(promises.values())
    expect(events.filter(({ kind }) => kind === 'fetched')).toMatchObject([
      { archive: 'kafka' },
      { archive: 'registry' },
    ])
    expect(events[0]).toEqual({ kind: 'fetching', archive: 'kafka', downloadedMb: 0, totalMb: 75 })
  })
})

describe('the size in a line of Maven', () => {
  it.each([
    ['Downloaded from central: https://x/a.jar (109 MB at 20 MB/s)', 109],
    ['Downloaded from x: https://x/a.pom (2.1 kB at 5.5 kB/s)', 0.0021],
    ['[INFO] Downloaded from central: https://x/a.pom (812 B at 1 kB/s)', 0.000812],
    ['Downloading from central: https://x/a.pom', 0],
  ])('%s', (line, megabytes) => expect(downloadedMb(line)).toBeCloseTo(megabytes, 9))
})
