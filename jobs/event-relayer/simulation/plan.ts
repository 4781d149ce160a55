import type { RelayerConfig } from '../src/config.ts'
import { type FaultKind, faultKinds } from './faults.ts'
import type { ChainPlan } from './model-chain.ts'
import type { ProviderPlan } from './model-provider.ts'
import type { Random } from './random.ts'

/** What a seed decides before anything happens. */
export type Plan = {
  chain: ChainPlan
  providers: readonly ProviderPlan[]
  allowed: ReadonlySet<FaultKind>
  /** Blocks that are there before the first relayer starts. */
  before: number
  /** Changes of the chain while relayers run. */
  changes: number
  /** Clock errors of the relayers, in ms; one each. */
  skews: readonly number[]
  deepestReorg: number
}

export type Settings = Omit<RelayerConfig, 'ESCROW_FACTORIES'>

export const START = Date.UTC(2026, 0, 1)

/** Each fault is allowed in about a third of the seeds, so that they meet in all combinations and some alone. */
export function drawPlan(random: Random): Plan {
  const allowed = new Set(faultKinds.filter(kind => random.chance(kind === 'beyond_finality' ? 0.06 : 0.35)))
  const deep = allowed.has('reorg_deep') && random.chance(0.3)
  const finalDepth = deep ? random.int(65, 80) : random.int(3, 12)
  const providers = random.pick([1, 1, 2, 3])
  const byDepth = random.chance(0.2)
  return {
    chain: {
      chainId: 31337,
      firstBlock: byDepth || random.chance(0.3) ? 0 : random.int(1, 1_000_000),
      startsAt: START / 1000,
      blockSeconds: 12,
      safeDepth: random.int(1, Math.min(6, finalDepth - 1)),
      finalDepth,
      tagStep: byDepth ? 1 : random.pick([1, 1, 4])
    },
    providers: Array.from({ length: providers }, (_, at) => drawProvider(random, { at, allowed, providers })),
    allowed,
    before: deep ? random.int(66, 90) : random.int(0, 30),
    changes: random.int(8, 24),
    skews: random.chance(0.75) ? [skew(random), skew(random)] : [skew(random)],
    deepestReorg: deep ? 64 : finalDepth
  }
}

const skew = (random: Random): number => (random.chance(0.3) ? random.int(-300_000, 300_000) : 0)

function drawProvider(
  random: Random,
  { at, allowed, providers }: { at: number; allowed: ReadonlySet<FaultKind>; providers: number }
): ProviderPlan {
  const limit = (kind: FaultKind, limits: readonly number[]) =>
    allowed.has(kind) && random.chance(0.5) ? random.pick(limits) : undefined
  return {
    url: `http://provider-${at + 1}.test/`,
    honest: providers > 1 && at === providers - 1 && random.chance(0.7),
    maxBlocks: limit('range_limit', [1, 2, 5, 10]),
    maxResults: limit('result_limit', [1, 3, 8]),
    maxAddresses: limit('address_limit', [1, 2, 5]),
    hasBlockReceipts: !(allowed.has('no_block_receipts') && random.chance(0.5))
  }
}

/** The relayer's settings for a plan. */
export function drawSettings(random: Random, { chain, providers }: Plan): Settings {
  const byDepth = chain.firstBlock === 0 && chain.tagStep === 1 && random.chance(0.6)
  return {
    CHAIN_ID: chain.chainId,
    RPC_URLS: providers.map(({ url }) => url).join(','),
    START_BLOCK: chain.firstBlock === 0 ? 0 : chain.firstBlock + 1,
    DATABASE_URL: 'postgres://simulated',
    GOOGLE_CLOUD_PROJECT: 'simulated',
    POLL_INTERVAL_SECONDS: 1,
    FINALITY: byDepth ? `depth:${chain.safeDepth},${chain.finalDepth}` : 'tags',
    REORG_WINDOW: 96,
    OMISSION_CHECK: 'receipts',
    LEASE_SECONDS: random.pick([5, 30]),
    MAX_BLOCK_RANGE: random.pick([1, 3, 10, 100]),
    MAX_ADDRESSES: random.pick([1, 4, 500]),
    MAX_BATCH_BYTES: 33_554_432,
    RPC_TIMEOUT_MS: 10_000,
    OUTBOX_RETENTION_HOURS: 168,
    HOST: '127.0.0.1',
    PORT: 0
  }
}
