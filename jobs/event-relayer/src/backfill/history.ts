import { PermanentError } from '@fusion-prime/runtime'
import { laneKey } from '../lanes/plan.ts'
import { type Relayer, relay } from '../relay.ts'
import type { Checkpoint } from '../store/checkpoint.ts'
import type { BackfillRequest } from './backfill.ts'
import type { Progress } from './progress.ts'

const POLL_MS = 1_000

/**
 * Relays what came before the first block that was ever relayed. What is found there goes on later, so a lane reads it and all that follows,
 * up to the checkpoint; the live lane is followed meanwhile. One task does it: a lane can't be sharded.
 */
export async function readHistory(
  relayer: Relayer,
  { from, task, signal, progress }: BackfillRequest & { progress: Progress }
): Promise<void> {
  const { store, world, log } = relayer
  const checkpoint = await store.checkpoint()
  if (task > 0 || !checkpoint) return log.info({ task }, 'backfill_history_left_to_task_0')
  const key = await requestLane(relayer, { from, checkpoint })
  while (!signal.aborted) {
    relayer.rewatch()
    const { held } = await relay(relayer, signal)
    const lane = (await store.lanes.open()).find(open => open.key === key)
    if (!lane) return
    progress.show(`history up to the checkpoint`, lane.cursor.number - from + 1)
    if (held) await world.clock.sleep(POLL_MS, signal)
  }
}

async function requestLane(
  relayer: Relayer,
  { from, checkpoint }: { from: number; checkpoint: Checkpoint }
): Promise<string> {
  const { store, log, factories } = relayer
  // All of them: one that is still catching up has this history too.
  const lane = { factories: factories.toSorted(), topics: undefined, from_block: from }
  const key = laneKey(lane)
  const other = (await store.lanes.open()).find(open => open.from_block < checkpoint.first_block && open.key !== key)
  if (other) {
    throw new PermanentError(
      `--from ${from}: history from block ${other.from_block} on is still being read: run --from ${other.from_block} to its end first`
    )
  }
  await store.lanes.request(lane)
  log.info({ lane: key, from_block: from, chases: checkpoint.number }, 'lane_opened')
  return key
}
