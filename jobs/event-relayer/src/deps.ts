import type { Log } from '@fusion-prime/runtime'
import type { FinalityRule, OmissionCheck } from './config.ts'
import type { RelayerMetrics } from './metrics.ts'
import type { Providers } from './providers/pool.ts'
import type { Lease } from './store/lease.ts'
import type { Store } from './store/store.ts'
import type { WatchSet } from './watch.ts'
import type { World } from './world.ts'

/** What relaying needs, besides a provider: settings, state, and whom to tell. */
export type FollowDeps = {
  store: Store
  world: World
  providers: Pick<Providers, 'sawHead' | 'blame'>
  log: Log
  metrics: RelayerMetrics
  chainId: number
  assetSymbol: string
  /** As configured, in lower-case hex; the live lane watches those whose history is in. */
  factories: readonly string[]
  startBlock: number | undefined
  finality: FinalityRule
  check: OmissionCheck
  reorgWindow: number
  maxBlockRange: number
  maxAddresses: number
  maxBatchBytes: number
  /** The addresses that are watched; held between ticks while nobody else has written. */
  watchSet(lease: Lease): Promise<WatchSet>
  /** Has the watched addresses read anew: others than these were written. */
  rewatch(): void
  /** Publishes a part of what waits, so that a long catching up isn't silent. */
  publishSome(): Promise<void>
}
