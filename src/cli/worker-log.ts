import pino, { type Logger } from 'pino'
import { lsnText } from '../contract/lsn.ts'
import type { SyncObserver } from '../engine/observe.ts'
import { terminalLine } from './terminal-lines.ts'

/**
 * A worker's log: one JSON object a line; `sync`, `source`, `lsn`, `transaction` and `code` where they apply. At a terminal, lines for
 * people.
 */
export function workerLog(level = process.env.LOG_LEVEL ?? 'info'): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, { write: (line) => process.stdout.write(`${terminalLine(line)}\n`) })
}

/** Writes a sync's events into the log. Applied transactions are debug: normal operation should say nothing. */
export function logSync(log: Logger, source: string): SyncObserver {
  return (event) => {
    const facts = { sync: event.sync, source }
    switch (event.kind) {
      case 'state': {
        const troubled = event.to === 'stopped' || event.to === 'failed'
        log[troubled ? 'warn' : 'info']({ ...facts, state: event.to, from: event.from }, `${event.sync} is ${event.to}`)
        break
      }
      case 'owner':
        log.info({ ...facts, epoch: event.epoch.toString() }, `${event.sync} is owned by this worker`)
        break
      case 'applied':
        log.debug(
          {
            ...facts,
            lsn: event.appliedLsn === null ? null : lsnText(event.appliedLsn),
            offset: event.nextOffset.toString(),
            transactions: event.transactions,
            changes: event.changes,
            tookMs: Math.round(event.tookMs),
          },
          `${event.sync} applied ${event.transactions} transactions`,
        )
        break
      case 'load':
        log.info(
          { ...facts, load: event.load?.id ?? null, phase: event.load?.phase ?? 'done', rows: event.rows },
          loadText(event),
        )
        break
      case 'error':
        log.error(
          {
            ...facts,
            code: event.error.code,
            ...event.error.facts,
            remedy: event.error.remedy,
            attempt: event.attempt,
            retryInMs: Math.round(event.retryInMs),
            cause: event.error.cause instanceof Error ? event.error.cause.message : undefined,
          },
          event.error.message,
        )
        break
      case 'note':
        log.info(facts, event.text)
        break
    }
  }
}

function loadText({ sync, load, rows }: { sync: string; load: { phase: string } | null; rows: number }): string {
  return load === null ? `${sync} is loaded: ${rows} rows` : `${sync} is loading: ${rows} rows, ${load.phase}`
}
