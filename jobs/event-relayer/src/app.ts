import { fileURLToPath } from 'node:url'
import { requireChain } from '@fusion-prime/chain'
import { createSql, type OutboxMessage, outboxMigrations, type Pool, sweepOutbox } from '@fusion-prime/postgres'
import { createPublisher } from '@fusion-prime/pubsub'
import type { Log } from '@fusion-prime/runtime'
import { parseFinality, type RelayerConfig } from './config.ts'
import { createRpcChain } from './providers/rpc.ts'
import { type Relayed, relay } from './relay.ts'
import { createStore } from './store.ts'

/** One publish call may take this long; the rows stay in the outbox when it fails. */
const PUBLISH_MS = 10_000

export type EventRelayer = {
  sql: Pool
  /** Throws a PermanentError when the chain or a factory isn't the one that was configured. */
  check(): Promise<void>
  tick(): Promise<Relayed>
  close(): Promise<void>
}

/** The relayer's parts, put together. */
export function createEventRelayer({ config, log }: { config: RelayerConfig; log: Log }): EventRelayer {
  const sql = createSql({
    url: config.DATABASE_URL,
    max: 4,
    applicationName: 'event-relayer',
    onFault: error => log.error({ error }, 'postgres_connection_lost')
  })
  const publisher = createPublisher({ project: config.GOOGLE_CLOUD_PROJECT, timeoutMs: PUBLISH_MS })
  const [url = ''] = config.RPC_URLS.split(',')
  const chainId = config.CHAIN_ID
  const chain = createRpcChain({ url, chainId, finality: parseFinality(config.FINALITY) })
  const factories = config.ESCROW_FACTORIES.toLowerCase().split(',')

  const publishAndTell = async (messages: readonly OutboxMessage[]) => {
    const faults = await publisher.publish(messages)
    for (const [index, { topic, event_id, attributes }] of messages.entries()) {
      const { event_type, fact_id, finality, correlation_id } = attributes
      if (!faults[index])
        log.info({ topic, event_id, event_type, fact_id, finality, correlation_id }, 'escrow_event_published')
    }
    return faults
  }

  const publish = async () => {
    const total = { published: 0, failed: 0 }
    for (;;) {
      const { published, failed, fault } = await sweepOutbox(sql, publishAndTell)
      total.published += published
      total.failed = failed
      if (fault) log.warn({ error: fault, failed }, 'publish_failed')
      if (failed > 0 || published === 0) return total
    }
  }

  return {
    sql,
    check: () => chain.check(factories),
    tick: () =>
      relay({
        chain,
        store: createStore({ sql, chainId }),
        publish,
        log,
        assetSymbol: requireChain(chainId).nativeAsset,
        factories,
        startBlock: config.START_BLOCK,
        maxBlockRange: config.MAX_BLOCK_RANGE,
        maxAddresses: config.MAX_ADDRESSES
      }),
    async close() {
      await publisher.close()
      await sql.end({ timeout: 2 })
    }
  }
}

/** All tables of the relayer, in the order in which they are made. */
export const migrations = [
  outboxMigrations,
  { label: 'event-relayer', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
