export type Clock = {
  /** Milliseconds. */
  now(): number
  /** Ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export type Loop = { stop(): Promise<void> }

/**
 * Calls `round` at once and then at start + n × interval, whatever a round takes, so that it never drifts. A round that takes longer
 * leaves out the times that it has missed. Stopping waits for the round under way.
 */
export function startLoop({
  round,
  clock,
  intervalMs
}: {
  /** Must not reject. */
  round(): Promise<void>
  clock: Clock
  intervalMs: number
}): Loop {
  const stopped = new AbortController()
  const start = clock.now()

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      await round()
      const next = start + (Math.floor((clock.now() - start) / intervalMs) + 1) * intervalMs
      await clock.sleep(next - clock.now(), stopped.signal)
    }
  }

  const ended = run()
  return {
    stop() {
      stopped.abort()
      return ended
    }
  }
}
