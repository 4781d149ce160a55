import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, PermanentError } from '@fusion-prime/runtime'
import type { Relayed } from './relay.ts'

export type Loop = {
  /** The last tick that ended well; undefined before the first. */
  last(): Relayed | undefined
  /** Ends when stopped, after the tick under way; rejects when relaying gives up. */
  ended: Promise<void>
  stop(): Promise<void>
}

/** Ticks every `intervalSeconds` until stopped. A tick that fails changes nothing; the next one begins where the last good one ended. */
export function startLoop({
  tick,
  intervalSeconds,
  log
}: {
  tick(): Promise<Relayed>
  intervalSeconds: number
  log: Log
}): Loop {
  const stopped = new AbortController()
  let last: Relayed | undefined

  async function tickOnce(): Promise<void> {
    try {
      last = await tick()
      if (last.facts + last.raised + last.published + last.unpublished > 0) log.info(last, 'tick_done')
    } catch (error) {
      if (error instanceof PermanentError) throw error
      log.error({ error }, 'tick_failed')
    }
  }

  async function loop(): Promise<void> {
    while (!stopped.signal.aborted) {
      const startedAt = performance.now()
      await tickOnce()
      const rest = intervalSeconds * 1000 - (performance.now() - startedAt)
      if (rest > 0) await sleep(rest, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  const ended = loop()
  return {
    last: () => last,
    ended,
    async stop() {
      stopped.abort()
      await ended
    }
  }
}
