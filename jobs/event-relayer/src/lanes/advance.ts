import { topicsOf } from '@fusion-prime/chain/logs'
import type { BlockId } from '../chain.ts'
import type { FollowDeps } from '../deps.ts'
import type { Agreed } from '../finality.ts'
import { readPart, report } from '../part.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { RpcFault } from '../providers/rpc.ts'
import { type LeveledRange, nextRange, nextSize } from '../range.ts'
import { ChainMoved } from '../read/chain-moved.ts'
import type { Reader } from '../read/reader.ts'
import type { Checkpoint } from '../store/checkpoint.ts'
import type { Lane } from '../store/lanes.ts'
import type { Lease } from '../store/lease.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'

/** What one tick reads of a lane at most, so that the live lane doesn't wait for it. */
const STEP = { ranges: 32, ms: 10_000 }

type Place = {
  lease: Lease
  reader: Reader
  others: readonly Reader[]
  heads: Agreed
  signal: AbortSignal | undefined
}

/** Reads each open lane on, a bounded step behind the live lane. A lane that can't be read now waits; it never holds the live one up. */
export async function advanceLanes(deps: FollowDeps, place: Place): Promise<number> {
  let facts = 0
  for (const { key } of await deps.store.lanes.open()) facts += await advanceByAny(deps, { ...place, key })
  return facts
}

/** A provider that is good enough for the live lane may have no logs of old blocks: then another one reads the lane. */
async function advanceByAny(deps: FollowDeps, { key, ...place }: Place & { key: string }): Promise<number> {
  const readers = [place.reader, ...place.others]
  for (const reader of readers) {
    const lane = (await deps.store.lanes.open()).find(open => open.key === key)
    if (!lane) break
    try {
      return await advance(deps, { ...place, reader, others: readers.filter(other => other !== reader), lane })
    } catch (error) {
      if (!(error instanceof RpcFault || error instanceof WrongAnswer || error instanceof ChainMoved)) throw error
      if (error instanceof WrongAnswer) deps.providers.blame(reader.id, error.kind)
      deps.log.warn({ lane: key, block_number: lane.cursor.number, provider: reader.id, error }, 'lane_waits')
    }
  }
  return 0
}

async function advance(deps: FollowDeps, { lane: opened, ...place }: Place & { lane: Lane }): Promise<number> {
  const { store, world, maxBatchBytes: maxBytes, maxBlockRange: maxBlocks } = deps
  const checkpoint = await store.checkpoint()
  if (!checkpoint) return 0
  const heads = await withStoredFinal(deps, { heads: place.heads, checkpoint })
  const watch = await watchOf(deps, opened)
  const until = world.clock.now() + STEP.ms
  let lane = opened
  let position = await positionOf(place.reader, lane)
  let size = maxBlocks
  let facts = 0
  for (let ranges = 0; ranges < STEP.ranges && world.clock.now() < until && !place.signal?.aborted; ranges++) {
    const range = laneRange(position.number, { heads, size, checkpoint })
    if (!range) break
    const part = await readPart(deps, { ...place, heads, after: position, range, watch })
    await world.at('range_read')
    // Below the finalized block a range counts once it is confirmed: no block that is stored need be among its own.
    const history = range.to < checkpoint.first_block
    if (part.range.level !== range.level || (history && range.level !== 'finalized')) return facts
    const { headers, last, reads: logs } = part
    const committed = await store.lanes.commit(place.lease, lane, { headers, last, logs, level: range.level, history })
    report(deps, { part, facts: committed.facts, malformed: committed.malformed })
    facts += committed.facts
    position = last
    lane = { ...lane, cursor: last }
    size = nextSize({ blocks: headers.length, bytes: part.bytes }, { maxBytes, maxBlocks })
  }
  if (lane.cursor.hash && position.number === checkpoint.number) await merge(deps, { lease: place.lease, lane })
  return facts
}

async function merge(deps: FollowDeps, { lease, lane }: { lease: Lease; lane: Lane }): Promise<void> {
  const { restated } = await deps.store.lanes.merge(lease, lane, topicsOf())
  deps.rewatch()
  deps.log.info({ lane: lane.key, from_block: lane.from_block, to_block: lane.cursor.number, restated }, 'lane_merged')
}

/** What was final at an earlier tick is final, even if this provider's tag is behind. */
async function withStoredFinal(
  { store }: FollowDeps,
  { heads, checkpoint }: { heads: Agreed; checkpoint: Checkpoint }
): Promise<Agreed> {
  const { finalized_number } = checkpoint
  if (finalized_number === undefined || finalized_number <= (heads.finalized?.number ?? -1)) return heads
  const stored = await store.block(finalized_number)
  return stored ? { ...heads, finalized: stored } : heads
}

/** A new factory's escrows are the lane's own; a new signature is also looked for in the escrows that are watched already. */
async function watchOf({ store }: FollowDeps, { key, factories, topics }: Lane): Promise<WatchSet> {
  const live = topics ? [...(await store.escrows())].filter(([, factory]) => factories.includes(factory)) : []
  return createWatchSet({ factories, escrows: [...live, ...(await store.lanes.escrows(key))] })
}

/** The block after which the lane goes on. */
async function positionOf(reader: Reader, { cursor: { number, hash } }: Lane): Promise<BlockId> {
  if (hash) return { number, hash }
  return number < 0 ? { number, hash: `0x${'0'.repeat(64)}` } : reader.header(number)
}

/** The next blocks of a lane: never beyond the checkpoint, nor across the first block that was ever relayed. */
function laneRange(
  after: number,
  { heads, size, checkpoint }: { heads: Agreed; size: number; checkpoint: Checkpoint }
): LeveledRange | undefined {
  const range = nextRange(after, { heads, size })
  if (!range || range.from > checkpoint.number) return undefined
  const end = range.from < checkpoint.first_block ? checkpoint.first_block - 1 : checkpoint.number
  return { ...range, to: Math.min(range.to, end) }
}
