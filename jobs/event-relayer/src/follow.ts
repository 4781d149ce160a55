import type { BlockId, Heads } from './chain.ts'
import type { FollowDeps } from './deps.ts'
import { type Agreed, agreedHeads, answered } from './finality.ts'
import { findFork, goneAbove } from './fork.ts'
import { type ReadyPart, readyPart, writePart } from './part.ts'
import { FIRST_SIZE, nextRange, nextSize } from './range.ts'
import type { Reader } from './read/reader.ts'
import type { Checkpoint } from './store/checkpoint.ts'
import type { Halt } from './store/halts.ts'
import type { Lease } from './store/lease.ts'

export type Followed =
  | { kind: 'followed'; heads: Agreed; position: BlockId; facts: number; reverted: number; raised: number }
  /** The provider's head is below the checkpoint, or it stands on a branch that another provider doesn't share. */
  | { kind: 'behind' | 'elsewhere' }
  | { kind: 'halted'; halt: Halt }

/** Reads, verifies and commits what one provider has after the checkpoint, then raises what has become safe or final. */
export async function follow(
  deps: FollowDeps,
  {
    lease,
    reader,
    others,
    start,
    signal
  }: { lease: Lease; reader: Reader; others: readonly Reader[]; start: Checkpoint; signal: AbortSignal | undefined }
): Promise<Followed> {
  const { store, log, metrics } = deps
  const tags = deps.world.without.has('raise_by_hash') ? 'believed' : 'checked'
  const heads = await agreedHeads({ reader, others, tags }, deps.finality)
  deps.providers.sawHead(reader.id, heads.latest.number)
  if (heads.disagrees) log.error({ followed: reader.id, ...heads.disagrees }, 'finalized_blocks_disagree')
  metrics.finalityDisagrees.set(heads.disagrees ? 1 : 0)
  if (heads.latest.number < start.number) return { kind: 'behind' }

  let position: BlockId = start
  let reverted = 0
  const fork = await findFork({ store, reader }, start, deps.reorgWindow)
  if (fork.kind !== 'linked') {
    // A node that doesn't know yet what is final can't say that it was replaced.
    if (heads.own_finalized && heads.own_finalized.number < (start.finalized_number ?? -1)) {
      log.warn({ provider: reader.id, finalized: heads.own_finalized.number }, 'provider_behind_on_another_branch')
      return { kind: 'behind' }
    }
    if (await sharedByAnother(others, { start, head: heads.latest.number })) return { kind: 'elsewhere' }
    if (fork.kind === 'too_deep') return halt(deps, { lease, reader, others, halt: fork.halt })
    reverted = await store.revert(lease, { from: start, to: fork.to })
    metrics.reorgDepth.observe(start.number - fork.to.number)
    const depth = start.number - fork.to.number
    log.warn({ from_block: fork.to.number + 1, depth, reverted, stored_hash: start.hash }, 'chain_reorganised')
    position = fork.to
  } else {
    const left = await leaveKept(deps, { lease, reader, others, start, head: heads.latest.number })
    if (typeof left !== 'number') return left
    reverted = left
  }
  const caughtUp = await readOn(deps, { lease, reader, others, heads, position, signal })
  const raised = caughtUp.raised + (await raiseByTags(deps, { lease, heads, position: caughtUp.position }))
  return { kind: 'followed', heads, position: caughtUp.position, facts: caughtUp.facts, reverted, raised }
}

/** Takes back what an operator's resume kept above the checkpoint and the chain has replaced since; answers how many facts. */
async function leaveKept(
  deps: FollowDeps,
  {
    lease,
    reader,
    others,
    start,
    head
  }: Omit<Place, 'heads' | 'position' | 'signal'> & { start: Checkpoint; head: number }
): Promise<number | Followed> {
  const { store, log } = deps
  const gone = await goneAbove({ store, reader }, { above: start.number, upTo: head })
  const lowest = gone.at(-1)
  if (!lowest) return 0
  if (await sharedByAnother(others, { start: lowest, head })) return { kind: 'elsewhere' }
  const final = gone.find(block => block.final)
  if (final) {
    const { number: block_number, hash: stored_hash, chain: chain_hash } = final
    const why = { reason: 'finalized_changed' as const, block_number, stored_hash, chain_hash }
    return halt(deps, { lease, reader, others, halt: { ...why, resume_from: start.number + 1 } })
  }
  const reverted = await store.revert(lease, { from: start, to: start, gone: gone.map(({ hash }) => hash) })
  log.warn({ from_block: lowest.number, reverted, stored_hash: lowest.hash }, 'kept_blocks_replaced')
  return reverted
}

/** A branch that another provider with as high a head still has isn't given up for one provider's word. */
async function sharedByAnother(
  others: readonly Reader[],
  { start, head }: { start: BlockId; head: number }
): Promise<boolean> {
  for (const other of others) {
    const theirs = await answered(other.heads({ by: 'depth', safe: 0, finalized: 0 }))
    if (!theirs || theirs.latest.number < Math.max(head - 2, start.number)) continue
    const block = theirs.latest.number === start.number ? theirs.latest : await answered(other.header(start.number))
    if (block?.hash === start.hash) return true
  }
  return false
}

async function halt(
  deps: FollowDeps,
  { lease, reader, others, halt }: { lease: Lease; reader: Reader; others: readonly Reader[]; halt: Halt }
): Promise<Followed> {
  for (const other of others) {
    const block = await answered(other.header(halt.block_number))
    if (block?.hash !== halt.stored_hash) continue
    deps.providers.blame(reader.id, 'finality_disagrees')
    return { kind: 'elsewhere' }
  }
  // A node that was caught in the middle of its own reorg answers otherwise when asked again.
  if ((await reader.header(halt.block_number)).hash === halt.stored_hash) return { kind: 'elsewhere' }
  await deps.store.stop(lease, halt)
  return { kind: 'halted', halt }
}

type Place = {
  lease: Lease
  reader: Reader
  others: readonly Reader[]
  heads: Agreed
  position: BlockId
  signal: AbortSignal | undefined
}

/** Range after range up to the head: the next one is read while the one before is written. */
async function readOn(
  deps: FollowDeps,
  { lease, reader, others, heads, position, signal }: Place
): Promise<{ position: BlockId; facts: number; raised: number }> {
  const watch = await deps.watchSet(lease)
  const total = { position, facts: 0, raised: 0 }
  let size = Math.min(FIRST_SIZE, deps.maxBlockRange)
  const begin = (after: BlockId): Promise<ReadyPart> | undefined => {
    const range = signal?.aborted ? undefined : nextRange(after.number, { heads, size })
    if (!range) return undefined
    const part = readyPart(deps, { reader, others, heads, after, range, watch })
    part.catch(() => undefined) // awaited below, maybe after a write that fails first
    return part
  }
  for (let reading = begin(position); reading; ) {
    const part = await reading
    await deps.world.at('range_read')
    const { maxBatchBytes: maxBytes, maxBlockRange: maxBlocks } = deps
    size = nextSize({ blocks: part.headers.length, bytes: part.bytes }, { maxBytes, maxBlocks })
    reading = begin(part.last)
    const raised = await writePart(deps, { lease, part })
    total.position = part.last
    total.facts += raised.facts
    total.raised += raised.raised
    await deps.publishSome()
  }
  return total
}

/** A level is raised only where the stored block at the tagged height is the tagged one; the stored chain was linked before. */
async function raiseByTags(
  { store, log, world }: FollowDeps,
  { lease, heads, position }: { lease: Lease; heads: Heads; position: BlockId }
): Promise<number> {
  let raised = 0
  for (const level of ['finalized', 'safe'] as const) {
    const tag = heads[level]
    if (!tag || tag.number > position.number) continue
    const stored = await store.block(tag.number)
    if (stored?.hash !== tag.hash && !world.without.has('raise_by_hash')) {
      // Below the finalized block gaps are usual; a tag that goes back to one of them raises nothing.
      if (stored)
        log.warn({ level, block_number: tag.number, tag_hash: tag.hash, stored_hash: stored.hash }, 'tag_refused')
      continue
    }
    raised += await store.raise(lease, { level, upTo: tag.number })
    if (level === 'finalized' && stored) await store.state(lease, stored)
  }
  return raised
}
