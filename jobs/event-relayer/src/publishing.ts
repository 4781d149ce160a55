import { type OutboxMessage, type Pool, pruneOutbox, sweepOutbox } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import type { RelayerMetrics } from './metrics.ts'
import type { World } from './world.ts'

export type Publishing = {
  /** Until the outbox is empty or a publish fails; `failed` messages stay in it. */
  all(): Promise<{ published: number; failed: number }>
  /** One part every 15 s; nothing more until the next `all` once Pub/Sub has failed. */
  some(): Promise<void>
}

/** Catching up comes first: what is old already may wait, what is new follows at the end of the tick. */
const SOME_MS = 15_000

/** Publishes what stands in the outbox, oldest first, and forgets what was published long ago. */
export function createPublishing({
  sql,
  world,
  log,
  metrics,
  retentionHours
}: {
  sql: Pool
  world: Pick<World, 'publisher' | 'at' | 'clock'>
  log: Log
  metrics: RelayerMetrics
  retentionHours: number
}): Publishing {
  let failing = false
  let sweptAt = Number.NEGATIVE_INFINITY

  async function publish(messages: readonly OutboxMessage[]): Promise<(Error | undefined)[]> {
    await world.at('publish_begun')
    const faults = await world.publisher.publish(messages)
    for (const [index, { topic, event_id, attributes }] of messages.entries()) {
      const { event_type, fact_id, finality, correlation_id } = attributes
      const told = topic === 'escrow-events' ? 'escrow_event_published' : 'message_published'
      if (!faults[index]) log.info({ topic, event_id, event_type, fact_id, finality, correlation_id }, told)
    }
    await world.at('publish_done')
    return faults
  }

  async function sweep() {
    const { published, failed, fault } = await sweepOutbox(sql, publish)
    metrics.published.inc(published)
    metrics.publishFailures.inc(failed)
    failing = failed > 0
    sweptAt = world.clock.now()
    if (fault) log.warn({ error: fault, failed }, 'publish_failed')
    return { published, failed }
  }

  return {
    async all() {
      const total = { published: 0, failed: 0 }
      for (;;) {
        const { published, failed } = await sweep()
        total.published += published
        total.failed = failed
        if (failed === 0 && published > 0) continue
        await pruneOutbox(sql, retentionHours)
        return total
      }
    },
    async some() {
      if (!failing && world.clock.now() - sweptAt >= SOME_MS) await sweep()
    }
  }
}
