import { PermanentError } from '@fusion-prime/runtime'
import { BEFORE_GENESIS, type BlockId } from './chain.ts'
import { RpcFault } from './providers/rpc.ts'
import type { Reader } from './read/reader.ts'
import type { Relayer } from './relay.ts'
import type { Checkpoint } from './store/checkpoint.ts'

/** Stored blocks that are compared at a time. */
const PAGE = 100

export type Resume = {
  from_block: number
  blocks_gone: number
  blocks_kept: number
  facts_reverted: number
  confirmed: boolean
}

/**
 * An operator's way on after a halt: the chain is read anew from a block on. What the chain has no longer is reverted, by force where it was
 * final; facts of blocks that stay aren't touched. Without `confirmed` it only tells what it would do.
 */
export async function resume(
  relayer: Relayer,
  { fromBlock, mode }: { fromBlock: number; mode: 'confirmed' | 'dry run' }
): Promise<Resume> {
  const { store, providers, readerOf, metrics } = relayer
  const lease = await store.takeLease()
  if (!lease)
    throw new Error('another relayer holds the lease: a halted one gives it up within LEASE_SECONDS; try again')
  const checkpoint = await store.checkpoint()
  if (!checkpoint)
    throw new PermanentError('there is no checkpoint, so there is nothing to resume: start with START_BLOCK')
  if (fromBlock < checkpoint.first_block || fromBlock > checkpoint.number + 1) {
    throw new PermanentError(
      `--from-block ${fromBlock} is outside of what was read: blocks ${checkpoint.first_block} to ${checkpoint.number}`
    )
  }
  return providers.use(async provider => {
    const reader = await readerOf(provider)
    const after = await parentOf(relayer, { reader, checkpoint, fromBlock })
    const { gone, kept } = await compare(relayer, { reader, checkpoint, fromBlock })
    const plan = { from_block: fromBlock, blocks_gone: gone.length, blocks_kept: kept }
    if (mode === 'dry run') return { ...plan, facts_reverted: await store.standing({ after, gone }), confirmed: false }
    const facts_reverted = await store.resume(lease, { from: checkpoint, after, gone })
    metrics.halted.set(0)
    return { ...plan, facts_reverted, confirmed: true }
  })
}

/** The block before the first that is read anew; what is stored up to it must be the chain's. */
async function parentOf(
  { store }: Relayer,
  { reader, checkpoint, fromBlock }: { reader: Reader; checkpoint: Checkpoint; fromBlock: number }
): Promise<BlockId> {
  if (fromBlock === 0) return BEFORE_GENESIS
  const [below] = await store.blocksFrom(fromBlock - 1, 1)
  if (below && below.number >= checkpoint.first_block) {
    const { hash } = await reader.header(below.number)
    if (hash !== below.hash) {
      throw new PermanentError(
        `--from-block ${fromBlock} is too high: block ${below.number} is stored as ${below.hash}, the chain has ${hash}. Use --from-block ${below.number} or lower`
      )
    }
  }
  const { number, hash } = await reader.header(fromBlock - 1)
  return { number, hash }
}

async function compare(
  { store }: Relayer,
  { reader, checkpoint, fromBlock }: { reader: Reader; checkpoint: Checkpoint; fromBlock: number }
): Promise<{ gone: string[]; kept: number }> {
  const { latest } = await reader.heads({ by: 'depth', safe: 0, finalized: 0 })
  const [top = checkpoint] = await store.blocksFrom(Number.MAX_SAFE_INTEGER, 1) // above the checkpoint after an earlier resume
  const highest = Math.max(top.number, checkpoint.number)
  if (latest.number < highest) {
    throw new RpcFault(
      `the head of provider ${reader.id} is block ${latest.number}, below the stored block ${highest}, so it can't tell what is gone: try again when it has caught up`,
      { kind: 'retry' }
    )
  }
  const gone: string[] = []
  let kept = 0
  for (let from = highest; from >= fromBlock; ) {
    const page = (await store.blocksFrom(from, PAGE)).filter(({ number }) => number >= fromBlock)
    const last = page.at(-1)
    if (!last) break
    const chain = await Promise.all(page.map(({ number }) => reader.header(number)))
    for (const [index, { hash }] of page.entries()) {
      if (chain[index]?.hash === hash) kept += 1
      else gone.push(hash)
    }
    from = last.number - 1
  }
  return { gone, kept }
}
