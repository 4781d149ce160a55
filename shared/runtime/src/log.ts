import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

const severities: Record<string, string> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL'
}

/** One JSON object a line, in Cloud Logging's fields: `severity`, `message`, `time`; an error becomes `error` and `stack_trace`. */
export function createLog(name: string, destination?: DestinationStream): Log {
  const options = {
    base: { service: name },
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ severity: severities[level] ?? 'DEFAULT' }) },
    serializers: { error: describe },
    redact: { paths: ['authorization', '*.authorization', 'headers', '*.headers'], remove: true },
    level: process.env.LOG_LEVEL ?? 'info'
  }
  return destination ? pino(options, destination) : pino(options)
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) }
  return { name: error.name, message: error.message, ...code, ...cause, stack_trace: error.stack }
}
