import { appendFileSync, closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastLines, logSize, openLog, rotateLog } from '../../src/parts/log-file.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  file = join(folder, 'logs', 'kafka.log')
})

afterEach(() => rmSync(folder, { recursive: true }))

describe('the log of a part', () => {
  it('is rotated past its bound, keeps three old ones, and its writer goes on', () => {
    const fd = openLog(file)
    for (let n = 1; n <= 6; n++) {
      writeSync(fd, `line ${n}\n`)
      expect(rotateLog(file, 5)).toBe(true)
    }
    writeSync(fd, 'line 7\n')
    closeSync(fd)
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual(['kafka.log', 'kafka.log.1', 'kafka.log.2', 'kafka.log.3'])
    expect(readFileSync(file, 'utf8')).toBe('line 7\n')
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('line 6\n')
    expect(readFileSync(`${file}.3`, 'utf8')).toBe('line 4\n')
  })

  it('is left alone below its bound, and when it is not there', () => {
    expect(rotateLog(file, 5)).toBe(false)
    closeSync(openLog(file))
    appendFileSync(file, 'four')
    expect(rotateLog(file, 5)).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe('four')
  })

  it('gives its last lines, of one process alone when asked', () => {
    closeSync(openLog(file))
    appendFileSync(file, 'a\nb\n')
    const from = logSize(file)
    appendFileSync(file, 'c\n\nd\ne\n')
    expect(lastLines(file, 2)).toEqual(['d', 'e'])
    expect(lastLines(file, 9, from)).toEqual(['c', 'd', 'e'])
    rotateLog(file, 1)
    appendFileSync(file, 'f\n')
    expect(lastLines(file, 9, from)).toEqual(['f'])
    expect(lastLines(join(folder, 'none.log'), 9)).toEqual([])
  })
})
