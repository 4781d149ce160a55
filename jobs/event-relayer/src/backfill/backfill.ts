import { PermanentError } from '@fusion-prime/runtime'
import type { BlockId, Range } from '../chain.ts'
import { type Agreed, agreedHeads } from '../finality.ts'
import { liveOf, openLanes } from '../lanes/open.ts'
import { Halted, type Relayer, usable } from '../relay.ts'
import type { Backfill } from '../store/staging.ts'
import { createWatchSet } from '../watch.ts'
import { commitStaged, filterOf } from './commit-staged.ts'
import { estimate } from './estimate.ts'
import { readHistory } from './history.ts'
import { createProgress, type Progress } from './progress.ts'
import { chunksOf, scopeOf } from './scope.ts'
import { parentOf, scanDeployments, stageChunk, type Work } from './stage.ts'

export type BackfillRequest = Range & {
  /** This process and how many there are: Cloud Run's task index and count. */
  task: number
  tasks: number
  signal: AbortSignal
  /** Where a progress line goes; without it each chunk is a log line. */
  write: ((text: string) => void) | undefined
}

/** `interrupted`: it was told to stop; the same command goes on from there. */
export type Backfilled = 'done' | 'interrupted'

/** Ranges of a chunk: one task's turn. */
const CHUNK_RANGES = 10
const POLL_MS = 500
/** Polls without a move after which task 0 reads what is missing itself: its owner may have ended. */
const PATIENCE = 20

/**
 * Relays a range of finalized blocks: tasks read, verify and stage chunks of it in parallel, whoever holds the lease commits them in order.
 * It leaves what live relaying would have left. Begun again after a crash it goes on where it was. Throws a PermanentError for a range
 * that isn't final or would leave a gap.
 */
export async function backfill(relayer: Relayer, request: BackfillRequest): Promise<Backfilled> {
  const { store, world, log } = relayer
  const { from, to, task, tasks, signal } = request
  const halt = await store.halt()
  if (halt) throw new Halted(halt)
  const checkpoint = await store.checkpoint()
  const { build, history } = scopeOf({ from, to }, checkpoint)
  const heads = await finalHeads(relayer, { to, signal })
  log.info(
    { from_block: from, to_block: to, task, tasks, build, history, omission_check: relayer.check },
    'backfill_begun'
  )
  const progress = createProgress({
    total: to - from + 1,
    clock: world.clock,
    write: request.write ?? (() => undefined)
  })
  try {
    if (build) await buildOn(relayer, { ...request, first: build.from, heads, progress })
    if (history !== undefined && !signal.aborted) await readHistory(relayer, { ...request, from: history, progress })
  } finally {
    progress.end()
  }
  return signal.aborted ? 'interrupted' : 'done'
}

/** `first`: the first block that isn't committed. */
type Job = BackfillRequest & { first: number; heads: Agreed; progress: Progress }

async function buildOn(relayer: Relayer, job: Job): Promise<void> {
  const { store, maxBlockRange } = relayer
  const { from, to, task, tasks, heads, signal, progress } = job
  const factories = await liveOf(relayer)
  const filter = await filterOf(relayer)
  const before = await parentOf(relayer, { from: job.first, signal })
  const chunk_blocks = CHUNK_RANGES * maxBlockRange
  const backfill = await store.staging.begin({ filter, from, to, chunk_blocks, scanned: before })
  const work: Work = { backfill, factories, heads, signal }
  if (task === 0) await tellCost(relayer, { job, factories })
  if (task === 0 && tasks > 1)
    await scanDeployments(relayer, { ...work, onRange: last => progress.show('deployments', last - from + 1) })
  const committing = { ...job, before, backfill }
  for (const chunk of chunksOf(backfill, job)) {
    if (tasks > 1) await deploymentsBefore(relayer, { chunk, backfill, job })
    if (signal.aborted) return
    await stage(relayer, { chunk, work, job })
    await commitReady(relayer, committing)
  }
  if (task === 0) await commitAll(relayer, { ...committing, work })
}

async function stage(relayer: Relayer, { chunk, work, job }: { chunk: Range; work: Work; job: Job }): Promise<void> {
  const { from, task, progress, write } = job
  await stageChunk(relayer, {
    ...work,
    chunk,
    onRange: last => progress.show(`staged up to here by task ${task}`, last - from + 1)
  })
  if (!write) relayer.log.info({ from_block: chunk.from, to_block: chunk.to, task }, 'backfill_chunk_staged')
}

type Committing = Job & { before: BlockId; backfill: Backfill }

/** Commits what can be if no other process holds the lease; one that does commits it itself. */
async function commitReady(relayer: Relayer, { from, before }: Committing): Promise<void> {
  const { store } = relayer
  const lease = await store.takeLease()
  if (!lease) return
  try {
    await relayer.world.at('lease_taken')
    const halt = await store.halt()
    if (halt) throw new Halted(halt)
    await openLanes({ ...relayer, startBlock: from }, lease)
    for (let ranges = 1; ranges > 0; ) {
      ranges = (await commitStaged(relayer, { lease, start: before })).ranges
      if (ranges > 0) await relayer.publishSome()
    }
  } finally {
    await store.releaseLease()
  }
}

/** Until the checkpoint has come to the end, by whomever. */
async function commitAll(relayer: Relayer, committing: Committing & { work: Work }): Promise<void> {
  const { store, world } = relayer
  const { from, to, before, backfill, work, signal, progress } = committing
  let stood = { at: before.number, polls: 0 }
  while (!signal.aborted) {
    await commitReady(relayer, committing)
    const checkpoint = await store.checkpoint()
    if (checkpoint && checkpoint.first_block > from) throw overtaken(from, checkpoint.first_block)
    const at = checkpoint?.number ?? before.number
    progress.show('committed', Math.min(at, to) - from + 1)
    if (at >= to) break
    if ((await filterOf(relayer)) !== backfill.filter)
      throw new Error('other factories are watched than when the backfill began: run it again')
    stood = stood.at === at ? { at, polls: stood.polls + 1 } : { at, polls: 0 }
    const chunk = chunksOf(backfill, { task: 0, tasks: 1 }).find(({ to }) => to > at)
    if (stood.polls >= PATIENCE && chunk) await stage(relayer, { chunk, work, job: committing })
    await world.clock.sleep(POLL_MS, signal)
  }
  if (signal.aborted) return
  await store.staging.end(backfill)
  await relayer.publish()
}

const overtaken = (from: number, first_block: number) =>
  new Error(
    `a relayer has begun at block ${first_block} meanwhile, so blocks ${from} to ${first_block - 1} are its history now: run it again`
  )

/** Task 0 finds the deployments of the whole range; a chunk can be read when those before it are known. */
async function deploymentsBefore(
  { store, world, log }: Relayer,
  { chunk, backfill, job: { from, signal, progress } }: { chunk: Range; backfill: Backfill; job: Job }
): Promise<void> {
  for (let waited = false; !signal.aborted; waited = true) {
    const checkpoint = await store.checkpoint()
    if (checkpoint && checkpoint.number >= chunk.to) return // task 0 has read it, and may have ended
    const { scanned } = await store.staging.begin(backfill)
    if (scanned.number >= chunk.from - 1) return
    if (!waited) log.info({ from_block: chunk.from, scanned: scanned.number }, 'backfill_waits_for_deployments')
    progress.show('deployments known by task 0', scanned.number - from + 1)
    await world.clock.sleep(POLL_MS, signal)
  }
}

/** Heads of which the finalized block isn't below the end of the backfill. */
async function finalHeads(relayer: Relayer, { to, signal }: { to: number; signal: AbortSignal }): Promise<Agreed> {
  const heads = await relayer.providers.use(
    async (provider, others) => {
      const reader = await relayer.readerOf(provider)
      return agreedHeads({ reader, others: await usable(relayer, others) }, relayer.finality)
    },
    { signal }
  )
  const { finalized, disagrees } = heads
  if (disagrees)
    throw new Error(
      `providers have different finalized blocks ${disagrees.number}: ${disagrees.hash} and ${disagrees.theirs}`
    )
  if (finalized && finalized.number >= to) return heads
  const where = finalized ? `the last finalized block is ${finalized.number}` : 'no block is finalized yet'
  throw new PermanentError(
    `--to ${to} is not final: ${where}; backfill to there, and leave the rest to --mode=tick or loop`
  )
}

/** Tells which check is in force and what it will cost, before it costs. */
async function tellCost(
  relayer: Relayer,
  { job, factories }: { job: Job; factories: readonly string[] }
): Promise<void> {
  const { store, log, check } = relayer
  const { from, to, signal } = job
  if (check === 'off')
    return log.warn({ check }, 'omission_check_off: logs that a provider leaves out will be lost unseen')
  if (check === 'second-provider') return log.info({ check, blocks_read_twice: to - from + 1 }, 'backfill_check_cost')
  const watch = createWatchSet({ factories, escrows: await store.escrows() })
  log.info({ check, ...(await estimate(relayer, { range: { from, to }, watch, signal })) }, 'backfill_check_cost')
}
