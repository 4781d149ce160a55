import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import { outboxDepth, sweepOutbox } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'

/** Inside a request publishing gets this long; a later request or the scheduled sweep does the rest. */
const FLUSH_MS = 1_000
/** The scheduled sweep stops well before its request times out. */
const SWEEP_MS = 20_000

export type OutboxSweeper = {
  /** Publishes what a request has just written, for at most 1 s; never fails. */
  flush(): Promise<void>
  /** Publishes all that stands in the outbox, for at most 20 s. */
  sweep(): Promise<{ published: number; depth: number }>
  /** Whether something may be left that an earlier flush could not publish. */
  isBehind(): boolean
}

export function createOutboxSweeper({
  sql,
  publish,
  log
}: {
  sql: Sql
  publish: (messages: readonly OutboxMessage[]) => Promise<(Error | undefined)[]>
  log: Log
}): OutboxSweeper {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let behind = false

  /** One sweep after another until one publishes nothing: nothing is left, or nothing is taken. */
  async function drain(until: number): Promise<number> {
    let published = 0
    try {
      for (;;) {
        const swept = await sweepOutbox(sql, publish)
        published += swept.published
        if (swept.fault) log.warn({ error: swept.fault, failed: swept.failed }, 'outbox_publish_failed')
        behind = swept.failed > 0
        if (swept.published === 0) return published
        if (performance.now() > until) {
          behind = true
          return published
        }
      }
    } catch (error) {
      behind = true
      log.warn({ error }, 'outbox_sweep_failed')
      return published
    }
  }

  /** Joins the sweep that starts next: the one under way may have read before the caller's commit. */
  function join(): Promise<void> {
    next ??= (running ?? Promise.resolve()).then(() => {
      next = undefined
      running = drain(performance.now() + FLUSH_MS).then(() => undefined)
      return running
    })
    return next
  }

  return {
    async flush() {
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise<void>(resolve => {
        timer = setTimeout(() => {
          behind = true
          resolve()
        }, FLUSH_MS)
      })
      await Promise.race([join(), timeout])
      clearTimeout(timer)
    },
    async sweep() {
      const published = await drain(performance.now() + SWEEP_MS)
      return { published, depth: (await outboxDepth(sql)).depth }
    },
    isBehind: () => behind
  }
}
