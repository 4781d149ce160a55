/** How a process ends: done, give up (configuration or a permanent fault), or worth trying again. */
export const EXIT = { done: 0, giveUp: 1, tryAgain: 75 } as const

/** Trying again can't help: bad configuration, bad input, a refused state. Anything else is worth a retry. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
}

/** Text of whatever was thrown, with its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const text = error.message || ('code' in error ? String(error.code) : error.name)
  return error.cause === undefined ? text : `${text}: ${describeError(error.cause)}`
}
