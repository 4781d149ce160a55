import { outboxDepth } from '@fusion-prime/postgres'
import type { EventRelayer } from './app.ts'

/** Brings the gauges that are read from elsewhere up to date, when somebody looks. */
export async function observe({ sql, providers, relayer: { metrics } }: EventRelayer): Promise<void> {
  for (const { id, healthy, head_lag } of providers.status()) {
    metrics.providerHealthy.set({ provider: id }, healthy ? 1 : 0)
    if (head_lag !== null) metrics.headLag.set({ provider: id }, head_lag)
  }
  try {
    const { depth, oldest_seconds } = await outboxDepth(sql)
    metrics.outboxDepth.set(depth)
    metrics.outboxAge.set(oldest_seconds)
  } catch {
    // /health/ready tells that the database is away; the other figures are still worth answering.
  }
}
