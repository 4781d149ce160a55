import { createLog, type Log } from '@fusion-prime/runtime'

/** A log whose lines go into a trace, the quieter half left out. */
export function createQuietLog(tell: (line: string) => void): Log {
  return createLog('event-relayer', {
    write(line: string) {
      const { severity, message, time: _, service: __, error, ...rest } = JSON.parse(line) as Record<string, unknown>
      if (String(message).endsWith('_published')) return
      const reason = typeof error === 'object' && error !== null && 'message' in error ? { error: error.message } : {}
      tell(`log ${String(severity)} ${String(message)} ${JSON.stringify({ ...rest, ...reason })}`)
    }
  })
}
