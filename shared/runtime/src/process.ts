import { describeError, EXIT, PermanentError } from './errors.ts'
import type { Log } from './log.ts'

/** From SIGTERM to exit; Cloud Run kills after 10 s. */
const SHUTDOWN_MS = 9_500

/**
 * Runs a deployable's main: what it returns is called once at SIGTERM or SIGINT, and has 9.5 s to answer what is in flight.
 * A permanent fault exits 1, any other 75.
 */
export async function run(log: Log, start: () => Promise<() => Promise<void>>): Promise<void> {
  // Node itself would exit 1, which means "don't try again".
  process.on('uncaughtException', error => fail(log, error))
  try {
    stopOnSignal(log, await start())
  } catch (error) {
    fail(log, error)
  }
}

function stopOnSignal(log: Log, stop: () => Promise<void>): void {
  let stopping = false
  const shutdown = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'shutdown_started')
    setTimeout(() => {
      log.error({ deadline_ms: SHUTDOWN_MS }, 'shutdown_deadline_passed')
      process.exit(EXIT.tryAgain)
    }, SHUTDOWN_MS).unref()
    try {
      await stop()
      log.info({}, 'shutdown_done')
      process.exit(EXIT.done)
    } catch (error) {
      fail(log, error)
    }
  }
  process.on('SIGTERM', () => void shutdown('SIGTERM'))
  process.on('SIGINT', () => void shutdown('SIGINT'))
  // Started with an IPC channel (by the local supervisor): a parent that was killed can't send a signal.
  process.on('disconnect', () => void shutdown('parent gone'))
  if (process.connected === false) void shutdown('parent gone')
}

function fail(log: Log, error: unknown): never {
  const permanent = error instanceof PermanentError || isWrongArgument(error)
  log.fatal({ error, reason: describeError(error) }, permanent ? 'gave_up' : 'failed_try_again')
  process.exit(permanent ? EXIT.giveUp : EXIT.tryAgain)
}

/** What `parseArgs` throws. */
const isWrongArgument = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
