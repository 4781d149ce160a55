import { type Log, PermanentError } from '@fusion-prime/runtime'
import { Halted, type Relayed } from './relay.ts'
import type { Clock } from './world.ts'

export type Loop = {
  /** The last tick that ended well; undefined before the first. */
  last(): Relayed | undefined
  /** Why nothing is relayed until an operator acts; undefined while all is well. */
  halted(): string | undefined
  /** Ends when stopped, after the tick under way; rejects when relaying gives up. */
  ended: Promise<void>
  stop(): Promise<void>
}

/**
 * Ticks every `intervalSeconds` until stopped, and keeps the lease in between. A tick that fails changes nothing; the next one begins
 * where the last good one ended. While an operator is waited for, it stays up and looks again at each tick.
 */
export function startLoop({
  tick,
  keepLease,
  clock,
  intervalSeconds,
  leaseSeconds,
  log
}: {
  tick(signal: AbortSignal): Promise<Relayed>
  keepLease(): Promise<boolean>
  clock: Clock
  intervalSeconds: number
  leaseSeconds: number
  log: Log
}): Loop {
  const stopped = new AbortController()
  let last: Relayed | undefined
  let halted: string | undefined
  let standingBy = false

  function tell(done: Relayed): void {
    if (done.held !== standingBy) log.info({}, done.held ? 'lease_held_by_another' : 'lease_taken')
    standingBy = done.held
    if (done.facts + done.raised + done.reverted + done.published + done.unpublished > 0) log.info(done, 'tick_done')
  }

  async function tickOnce(): Promise<void> {
    try {
      last = await tick(stopped.signal)
      if (halted) log.info({}, 'resumed')
      halted = undefined
      tell(last)
    } catch (error) {
      if (error instanceof Halted) {
        if (halted !== error.message) log.error({ error }, 'relaying_halted')
        halted = error.message
      } else if (error instanceof PermanentError) throw error
      else log.error({ error }, 'tick_failed')
    }
  }

  async function rest(until: number): Promise<void> {
    for (;;) {
      const left = until - clock.now()
      if (left <= 0 || stopped.signal.aborted) return
      await clock.sleep(Math.min(left, (leaseSeconds * 1000) / 3), stopped.signal)
      const mayWrite = !standingBy && halted === undefined
      if (!mayWrite || clock.now() >= until || stopped.signal.aborted) continue
      // Nothing is written meanwhile; the next tick takes the lease again, or finds that another has it.
      await keepLease().catch(error => log.warn({ error }, 'lease_not_kept'))
    }
  }

  async function loop(): Promise<void> {
    while (!stopped.signal.aborted) {
      const startedAt = clock.now()
      await tickOnce()
      await rest(startedAt + intervalSeconds * 1000)
    }
  }

  const ended = loop()
  return {
    last: () => last,
    halted: () => halted,
    ended,
    async stop() {
      stopped.abort()
      await ended
    }
  }
}
