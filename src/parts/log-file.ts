import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { dirname } from 'node:path'

const bytesMax = 16 * 1024 * 1024
const keptMax = 3

/** Opens a part's log for its process to append to. The process writes it itself, so that it outlives us without losing lines. */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a', 0o640)
}

/**
 * Rotates a log that has grown past its bound: `x.log` is copied to `x.log.1`, older ones move up, the oldest goes. The writer
 * appends, so emptying the file under it is safe; a line written in between may be lost.
 *
 * @returns true when it was rotated
 */
export function rotateLog(file: string, bytes = bytesMax): boolean {
  try {
    if (statSync(file).size < bytes) return false
    for (let n = keptMax - 1; n >= 1; n--) {
      if (existsSync(`${file}.${n}`)) renameSync(`${file}.${n}`, `${file}.${n + 1}`)
    }
    copyFileSync(file, `${file}.1`)
  } catch (thrown) {
    // On a full disk an old copy is worth less than a running part.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
  }
  truncateSync(file, 0)
  return true
}

/** The last lines of a log, at most `count`, from its last 64 kB and not before byte `from`. */
export function lastLines(file: string, count: number, from = 0): string[] {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return []
  }
  try {
    const size = statSync(file).size
    // Less than was there before means that it was rotated since.
    const start = Math.max(from > size ? 0 : from, size - 65_536)
    const buffer = Buffer.alloc(size - start)
    const read = readSync(fd, buffer, 0, buffer.length, start)
    const lines = buffer.toString('utf8', 0, read).split('\n')
    return lines.filter((line) => line.trim() !== '').slice(-count)
  } finally {
    closeSync(fd)
  }
}

/** Where the log ends now, to tell a process's own lines from those of the one before. */
export function logSize(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}
