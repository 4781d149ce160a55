import { createSql, outboxDepth, type Pool } from '@fusion-prime/postgres'
import { createPublisher } from '@fusion-prime/pubsub'
import type { Log } from '@fusion-prime/runtime'
import { type PriceOracleConfig, readSources } from './config.ts'
import { type Counters, createCounters } from './metrics.ts'
import { type RoundResult, runRound, type TraceContext } from './round.ts'
import { createReader } from './sources/read.ts'

/** Less than a request has, so that a broker that is away is told of in the answer. */
const PUBLISH_MS = 3_000
const POOL = 3

export type PriceOracle = {
  sql: Pool
  counters: Counters
  /** One round over all assets. Rejects when the database can't be reached; the round then changed nothing, or is committed and published later. */
  round(context: TraceContext): Promise<RoundResult>
  outbox(): Promise<{ depth: number; oldest_seconds: number }>
  close(): Promise<void>
}

/** The oracle from its settings. Nothing is connected to until it is used. */
export function createPriceOracle({ config, log }: { config: PriceOracleConfig; log: Log }): PriceOracle {
  const { assets, sources } = readSources(config)
  const sql = createSql({
    url: config.DATABASE_URL,
    max: POOL,
    applicationName: 'price-oracle',
    onFault: error => log.error({ error }, 'postgres_connection_lost')
  })
  const publisher = createPublisher({ project: config.GOOGLE_CLOUD_PROJECT, timeoutMs: PUBLISH_MS })
  const counters = createCounters()
  const now = () => Date.now()
  const read = createReader(
    {
      rpcUrl: config.RPC_URL,
      pythUrl: config.PYTH_URL,
      pythApiKey: config.PYTH_API_KEY,
      timeoutMs: config.SOURCE_TIMEOUT_MS,
      maxAgeSeconds: config.SOURCE_MAX_AGE_SECONDS,
      chainlinkGraceSeconds: config.CHAINLINK_GRACE_SECONDS,
      maxConfidenceBps: config.PYTH_CONFIDENCE_BPS,
      maxSpreadPercent: config.SPREAD_PERCENT
    },
    now
  )
  const rule = {
    deviationPercent: config.DEVIATION_PERCENT,
    minSources: config.MIN_SOURCES,
    jump: {
      percent: config.JUMP_PERCENT,
      windowSeconds: config.JUMP_WINDOW_SECONDS,
      confirmAfterMs: config.PRICE_INTERVAL_SECONDS * 500
    },
    validitySeconds: config.PRICE_VALIDITY_SECONDS,
    retentionHours: config.OUTBOX_RETENTION_HOURS
  }
  return {
    sql,
    counters,
    async round(context) {
      const result = await runRound({ sql, publish: publisher.publish, read, log, now, assets, sources, rule }, context)
      counters.count(result)
      return result
    },
    outbox: () => outboxDepth(sql),
    async close() {
      await publisher.close()
      await sql.end({ timeout: 2 })
    }
  }
}
