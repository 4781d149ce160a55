import { topicsOf } from '@fusion-prime/chain/logs'
import type { FollowDeps } from '../deps.ts'
import type { Lease } from '../store/lease.ts'
import { laneKey, liveFactories, planCoverage } from './plan.ts'

/** Notes what is watched from now on, and opens lanes for what should have been watched from earlier on. */
export async function openLanes(deps: FollowDeps, lease: Lease): Promise<void> {
  const { store, log, factories, startBlock } = deps
  const checkpoint = await store.checkpoint()
  const [coverage, open] = await Promise.all([store.lanes.coverage(), store.lanes.open()])
  const plan = planCoverage({ factories, topics: topicsOf(), coverage, open, checkpoint, startBlock })
  const { first, ended, opened } = plan
  if (!first && ended.length + opened.length === 0) return
  await store.lanes.applyPlan(lease, { ...plan, checkpoint })
  deps.rewatch()
  for (const lane of opened) log.warn({ lane: laneKey(lane), ...lane }, 'lane_opened')
  if (ended.length > 0) log.warn({ factories: [...new Set(ended.map(({ factory }) => factory))] }, 'coverage_ended')
}

/** The factories that the live lane watches. */
export const liveOf = async ({ store, factories }: Pick<FollowDeps, 'store' | 'factories'>): Promise<string[]> =>
  liveFactories(factories, await store.lanes.coverage())
