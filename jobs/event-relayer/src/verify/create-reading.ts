import { requireChain } from '@fusion-prime/chain/logs'
import type { Pool } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import { type RelayerConfig, requireCheck } from '../config.ts'
import { createProviders } from '../providers/pool.ts'
import { resolveUrls } from '../providers/presets.ts'
import { connectRpc } from '../providers/rpc.ts'
import { createReaders } from '../readers.ts'
import { loadLimits } from '../store/limits.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import { systemClock, type World } from '../world.ts'
import type { Scope } from './scope.ts'
import { createSource } from './source.ts'
import { escrowsBelow } from './stored.ts'

/** Scans of all facts, or of the whole outbox, may take a while. */
export const STATEMENT_MS = 600_000

export type ReadingWorld = Pick<World, 'connect' | 'clock'>

export const worldOf = (config: RelayerConfig): ReadingWorld => ({
  connect: url => connectRpc({ url, timeoutMs: config.RPC_TIMEOUT_MS, maxBytes: config.MAX_BATCH_BYTES }),
  clock: systemClock
})

/** The chain beside a relayer that may go on: read through another provider than the one that it follows where there are several, and nothing is written. */
export function createReading(
  sql: Pool,
  { config, log, world }: { config: RelayerConfig; log: Log; world: ReadingWorld }
) {
  const chainId = config.CHAIN_ID
  const chain = requireChain(chainId)
  const urls = resolveUrls(config.RPC_URLS, chainId)
  const setting = 'OMISSION_CHECK'
  const providers = createProviders({
    urls,
    connect: world.connect,
    clock: world.clock,
    log,
    // What is learned here is forgotten.
    limits: { load: () => loadLimits(sql, chainId), save: async () => undefined }
  })
  const readers = createReaders({ chainId, format: chain.canProve ? 'ethereum' : 'unknown' })
  return {
    source: createSource({ providers, readerOf: readers.of, log }),
    chainId,
    assetSymbol: chain.nativeAsset,
    /** As configured, in lower-case hex. */
    factories: config.ESCROW_FACTORIES.toLowerCase().split(','),
    check: requireCheck({ check: config.OMISSION_CHECK, canProve: chain.canProve, providers: urls.length, setting }),
    maxBlockRange: config.MAX_BLOCK_RANGE,
    maxAddresses: config.MAX_ADDRESSES,
    maxBatchBytes: config.MAX_BATCH_BYTES
  }
}

/** What was watched when a block was read: every factory that was ever followed, and the escrows deployed before it. */
export async function watchBelow(
  sql: Pool,
  {
    scope: { coverage, lanes },
    factories,
    chainId,
    block
  }: { scope: Scope; factories: readonly string[]; chainId: number; block: number }
): Promise<WatchSet> {
  return createWatchSet({
    factories: [...factories, ...coverage.map(({ factory }) => factory), ...(lanes?.factories ?? [])],
    escrows: await escrowsBelow(sql, { chainId, block })
  })
}
