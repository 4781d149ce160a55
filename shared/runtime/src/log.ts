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

/**
 * One JSON object a line, in Cloud Logging's fields: `severity`, `message`, `time`; an error becomes `error` and `stack_trace`. To
 * `process.stdout` by default: pino's own stream for it tries again for ever at the exit of a process whose lines nobody reads any more.
 */
export function createLog(name: string, destination: DestinationStream = stdout()): Log {
  const options = {
    base: { service: name },
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ severity: severities[level] ?? 'DEFAULT' }) },
    serializers: { error: describe },
    redact: { paths: ['authorization', '*.authorization', 'headers', '*.headers'], remove: true },
    level: process.env.LOG_LEVEL || 'info'
  }
  return pino(options, destination)
}

/** Lines that nobody reads are lost, and that is all. */
function stdout(): DestinationStream {
  if (!process.stdout.listeners('error').includes(ignore)) process.stdout.on('error', ignore)
  return process.stdout
}

const ignore = () => {}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) }
  return { name: error.name, message: error.message, ...code, ...cause, stack_trace: error.stack }
}
