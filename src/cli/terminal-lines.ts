import pc from 'picocolors'

/** A worker's log as a person at a terminal reads it: time, level where it is not the usual one, words, and what was said besides. */
export function terminalLine(json: string): string {
  const { level, time, pid: _pid, msg, code, remedy, lsn, transaction, retryInMs } = JSON.parse(json) as LogLine
  const at = time.slice(11, 19)
  const mark = level === 'error' ? pc.red('error ') : level === 'warn' ? pc.yellow('warning ') : ''
  const facts = [
    transaction === undefined ? '' : `transaction ${transaction}`,
    typeof lsn === 'string' ? `LSN ${lsn}` : '',
    code === undefined ? '' : `[${code}]`,
  ].filter((fact) => fact !== '')
  const first = `${pc.dim(at)} ${mark}${msg}${facts.length > 0 ? ` ${pc.dim(facts.join(' '))}` : ''}`
  const again = retryInMs === undefined ? '' : ` Next try in ${(retryInMs / 1000).toFixed(1)} s.`
  return remedy === undefined ? first : `${first}\n         ${remedy}${again}`
}

interface LogLine {
  readonly level: string
  /** ISO 8601. */
  readonly time: string
  readonly pid: number
  readonly msg: string
  readonly code?: string
  readonly remedy?: string
  readonly lsn?: string | null
  readonly transaction?: string
  readonly retryInMs?: number
}
