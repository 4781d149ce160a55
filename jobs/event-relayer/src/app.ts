import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Chain, requireChain } from '@fusion-prime/chain/logs'
import { createSql, outboxMigrations, type Pool, transaction } from '@fusion-prime/postgres'
import { createPublisher } from '@fusion-prime/pubsub'
import { type Log, PermanentError, reach } from '@fusion-prime/runtime'
import { Registry } from 'prom-client'
import { type Backfilled, type BackfillRequest, backfill } from './backfill/backfill.ts'
import { parseFinality, type RelayerConfig, requireCheck } from './config.ts'
import { liveOf } from './lanes/open.ts'
import { createRelayerMetrics } from './metrics.ts'
import { createProviders, type Provider, type ProviderStatus, type Providers } from './providers/pool.ts'
import { resolveUrls } from './providers/presets.ts'
import { connectRpc } from './providers/rpc.ts'
import { createPublishing } from './publishing.ts'
import { createReaders } from './readers.ts'
import { Halted, type Relayed, type Relayer, relay } from './relay.ts'
import type { Lease } from './store/lease.ts'
import { loadLimits, saveLimits } from './store/limits.ts'
import { createStore } from './store/store.ts'
import { createWatchSet, type WatchSet } from './watch.ts'
import { systemClock, type World } from './world.ts'

/** One publish call may take this long; the rows stay in the outbox when it fails. */
const PUBLISH_MS = 10_000

export type EventRelayer = {
  sql: Pool
  relayer: Relayer
  providers: Providers
  /** Throws a PermanentError when the chain or a factory isn't the one that was configured. */
  check(): Promise<void>
  /** Asks every provider for its head; answers how they stand. */
  look(): Promise<ProviderStatus[]>
  tick(signal?: AbortSignal): Promise<Relayed>
  /** Relays a range of final blocks, alone or as one of several tasks. */
  backfill(request: BackfillRequest): Promise<Backfilled>
  /** Keeps the lease while nothing is written; answers whether this process holds it. */
  keepLease(): Promise<boolean>
  /** Gives the lease up, if this process holds it. */
  release(): Promise<void>
  close(): Promise<void>
}

/** The relayer's parts, put together. */
export function createEventRelayer({
  config,
  log,
  world = worldOf(config),
  sql = poolOf(config, log),
  registry = new Registry()
}: {
  config: RelayerConfig
  log: Log
  world?: World
  sql?: Pool
  registry?: Registry
}): EventRelayer {
  const chainId = config.CHAIN_ID
  const chain = chainOf(chainId)
  const factories = [...new Set(config.ESCROW_FACTORIES.toLowerCase().split(','))]
  const urls = resolveUrls(config.RPC_URLS, chainId)
  const metrics = createRelayerMetrics(registry)
  const check = requireCheck({
    check: config.OMISSION_CHECK,
    canProve: chain.canProve,
    providers: urls.length,
    setting: 'OMISSION_CHECK'
  })
  metrics.omissionCheck.set({ check }, 1)
  if (check === 'off')
    log.warn({ setting: 'OMISSION_CHECK' }, 'omission_check_off: logs that a provider leaves out will be lost unseen')

  const providers = createProviders({
    urls,
    connect: world.connect,
    clock: world.clock,
    log,
    limits: {
      load: () => loadLimits(sql, chainId),
      save: (key, limits) => saveLimits(sql, { chainId, key, limits })
    }
  })
  const readers = createReaders({ chainId, format: chain.canProve ? 'ethereum' : 'unknown' })
  const store = createStore({ ...world, sql, log, chainId, holder: randomUUID(), leaseSeconds: config.LEASE_SECONDS })
  const publishing = createPublishing({ sql, world, log, metrics, retentionHours: config.OUTBOX_RETENTION_HOURS })
  let watched: { epoch: string; set: WatchSet } | undefined

  const relayer: Relayer = {
    store,
    world,
    providers,
    log,
    metrics,
    chainId,
    assetSymbol: chain.nativeAsset,
    factories,
    startBlock: config.START_BLOCK,
    finality: parseFinality(config.FINALITY),
    check,
    reorgWindow: config.REORG_WINDOW,
    maxBlockRange: config.MAX_BLOCK_RANGE,
    maxAddresses: config.MAX_ADDRESSES,
    maxBatchBytes: config.MAX_BATCH_BYTES,
    readerOf: readers.of,
    async watchSet({ epoch }: Lease) {
      if (watched?.epoch !== epoch)
        watched = { epoch, set: createWatchSet({ factories: await liveOf(relayer), escrows: await store.escrows() }) }
      return watched.set
    },
    rewatch() {
      watched = undefined
    },
    publish: publishing.all,
    publishSome: publishing.some
  }

  async function tick(signal?: AbortSignal): Promise<Relayed> {
    try {
      const done = await relay(relayer, signal)
      if (done.held || done.reverted > 0) watched = undefined
      return done
    } catch (error) {
      watched = undefined // what was watched may be ahead of what was committed
      if (error instanceof Halted) await store.releaseLease() // for the operator's resume
      throw error
    }
  }

  return {
    sql,
    relayer,
    providers,
    tick,
    backfill(request) {
      const setting = 'BACKFILL_OMISSION_CHECK'
      const asked = config.BACKFILL_OMISSION_CHECK ?? config.OMISSION_CHECK
      const check = requireCheck({ check: asked, canProve: chain.canProve, providers: urls.length, setting })
      return backfill({ ...relayer, check }, request)
    },
    check: () => checkChain({ providers, readers, factories, log }),
    async look() {
      const asked = providers.ranked().map(async provider => {
        const reader = await readers.of(provider)
        const { latest } = await reader.heads(relayer.finality)
        providers.sawHead(provider.id, latest.number)
      })
      // Who fails is counted where it was called, and stands in the status.
      await Promise.allSettled(asked)
      return providers.status()
    },
    keepLease: async () => (await store.takeLease()) !== undefined,
    release: store.releaseLease,
    async close() {
      await world.publisher.close()
      await sql.end({ timeout: 2 })
    }
  }
}

function chainOf(id: number): Chain {
  try {
    return requireChain(id)
  } catch (cause) {
    throw new PermanentError(`CHAIN_ID is ${id}`, { cause })
  }
}

/** The world as it is in production. */
function worldOf(config: RelayerConfig): World {
  return {
    connect: url => connectRpc({ url, timeoutMs: config.RPC_TIMEOUT_MS, maxBytes: config.MAX_BATCH_BYTES }),
    publisher: createPublisher({ project: config.GOOGLE_CLOUD_PROJECT, timeoutMs: PUBLISH_MS }),
    clock: systemClock,
    transaction,
    at: point => (point === 'commit_written' ? reach('relayer_writing') : undefined),
    without: new Set()
  }
}

const poolOf = (config: RelayerConfig, log: Log): Pool =>
  createSql({
    url: config.DATABASE_URL,
    max: 4,
    applicationName: 'event-relayer',
    statementTimeoutMs: 60_000,
    idleTransactionMs: PUBLISH_MS + 5_000, // publishing waits for Pub/Sub in its transaction
    onFault: error => log.error({ error }, 'postgres_connection_lost')
  })

/** Asks every provider that answers which chain it serves, and one for the factories' code. */
async function checkChain({
  providers,
  readers,
  factories,
  log
}: {
  providers: Providers
  readers: ReturnType<typeof createReaders>
  factories: readonly string[]
  log: Log
}): Promise<void> {
  const asked = await Promise.allSettled(providers.ranked().map(readers.of))
  for (const answer of asked) {
    if (answer.status === 'fulfilled') continue
    if (answer.reason instanceof PermanentError) throw answer.reason
    log.warn({ error: answer.reason }, 'provider_unreachable')
  }
  await providers.use(async (provider: Provider) => {
    const reader = await readers.of(provider)
    for (const factory of factories) {
      if ((await reader.code(factory)) !== '0x') continue
      throw new PermanentError(`ESCROW_FACTORIES: there is no contract at ${factory} on chain ${readers.chainId}`)
    }
  })
}

/** All tables of the relayer, in the order in which they are made. */
export { heapFlags } from './memory.ts'

export const migrations = [
  outboxMigrations,
  { label: 'event-relayer', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
