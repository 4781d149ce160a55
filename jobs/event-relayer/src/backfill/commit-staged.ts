import { topicsOf } from '@fusion-prime/chain/logs'
import type { BlockId } from '../chain.ts'
import type { FollowDeps } from '../deps.ts'
import { liveOf } from '../lanes/open.ts'
import { filterKey } from '../lanes/plan.ts'
import { writePart } from '../part.ts'
import type { Lease } from '../store/lease.ts'
import { prepareFacts } from '../store/messages.ts'

/** Staged ranges that are committed in one go; then the live lane, or another process, has its turn. */
const BATCH = 64

/** Names what the live lane watches: only ranges that were read for just that are committed. */
export const filterOf = async (deps: FollowDeps): Promise<string> =>
  filterKey({ factories: await liveOf(deps), topics: topicsOf() })

/**
 * Commits what was staged from the checkpoint on, in order, as the live lane would have; without a checkpoint from `start` on.
 * A range that doesn't link to what is committed is thrown away, so that it is read anew.
 */
export async function commitStaged(
  deps: FollowDeps,
  { lease, start }: { lease: Lease; start?: BlockId }
): Promise<{ ranges: number; facts: number }> {
  const { store, log } = deps
  const filter = await filterOf(deps)
  const done = { ranges: 0, facts: 0 }
  let after: BlockId | undefined = (await store.checkpoint()) ?? start
  while (after && done.ranges < BATCH) {
    const staged = await store.staging.at(filter, after.number + 1)
    const last = staged?.blocks.at(-1)
    if (!staged || !last) break
    const { from, to, blocks, reads, parent_hash } = staged
    if (parent_hash !== after.hash) {
      log.error({ from_block: from, parent_hash, stored_hash: after.hash }, 'staged_range_unlinked')
      await store.staging.discard(filter, from)
      break
    }
    const range = { from, to, level: 'finalized' as const }
    const prepared = prepareFacts(reads, range.level)
    const part = { range, after, last, headers: blocks, reads, facts: prepared, findings: [], bytes: 0 }
    const { facts } = await writePart(deps, { lease, part })
    done.ranges += 1
    done.facts += facts
    after = last
  }
  if (after) await store.staging.committed(after.number)
  if (done.ranges > 0) deps.rewatch()
  return done
}
