import type { BlockId } from './chain.ts'
import { mapBounded } from './read/bounded.ts'
import type { Reader } from './read/reader.ts'
import type { KeptBlock } from './store/blocks.ts'
import type { Checkpoint } from './store/checkpoint.ts'
import type { Halt } from './store/halts.ts'
import type { Store } from './store/store.ts'

/** How the stored chain stands to a provider's: its tip is there too, it left it after `to`, or so far back that an operator must decide. */
export type Fork = { kind: 'linked' } | { kind: 'forked'; to: BlockId } | { kind: 'too_deep'; halt: Halt }

/** Stored blocks that are compared at a time. */
const PAGE = 32

/** Compares the stored chain with a provider's, from the checkpoint down. Stored blocks may have gaps below the finalized one. */
export async function findFork(
  { store, reader }: { store: Pick<Store, 'blocksFrom'>; reader: Pick<Reader, 'header'> },
  checkpoint: Checkpoint,
  window: number
): Promise<Fork> {
  if (checkpoint.number < 0 || (await reader.header(checkpoint.number)).hash === checkpoint.hash)
    return { kind: 'linked' }
  let lowest: { stored: BlockId; chain: string } | undefined
  for (let from = checkpoint.number; ; ) {
    const page = await store.blocksFrom(from, PAGE)
    const bottom = page.at(-1)
    if (!bottom) break
    const headers = await Promise.all(page.map(({ number }) => reader.header(number)))
    const same = page.findIndex(({ hash }, index) => headers[index]?.hash === hash)
    const last = same === -1 ? page.length - 1 : same - 1
    const [stored, chain] = [page[last], headers[last]]
    if (stored && chain) lowest = { stored, chain: chain.hash }
    const common = page[same]
    if (common) return judge({ checkpoint, common, lowest, window })
    from = bottom.number - 1
  }
  // Down to the first block that was ever read all is replaced: what the chain has before it is where both can begin.
  const common = lowest?.stored.number === checkpoint.first_block ? await beforeFirst(reader, checkpoint) : undefined
  return judge({ checkpoint, common, lowest, window })
}

/** Stored blocks above the checkpoint that the chain has no longer, highest first, each with what it has instead. */
export async function goneAbove(
  { store, reader }: { store: Pick<Store, 'kept'>; reader: Pick<Reader, 'header'> },
  range: { above: number; upTo: number }
): Promise<(KeptBlock & { chain: string })[]> {
  const kept = await store.kept(range)
  const compared = await mapBounded(kept, PAGE, async block => ({
    ...block,
    chain: (await reader.header(block.number)).hash
  }))
  return compared.filter(({ hash, chain }) => hash !== chain)
}

/** Undefined where even block 0 is another one: that isn't a reorg, but another chain. */
async function beforeFirst(reader: Pick<Reader, 'header'>, { first_block }: Checkpoint): Promise<BlockId | undefined> {
  if (first_block === 0) return undefined
  const { number, hash } = await reader.header(first_block - 1)
  return { number, hash }
}

function judge({
  checkpoint,
  common,
  lowest,
  window
}: {
  checkpoint: Checkpoint
  common: BlockId | undefined
  lowest: { stored: BlockId; chain: string } | undefined
  window: number
}): Fork {
  const finalized = checkpoint.finalized_number ?? -1
  const finalizedChanged = lowest !== undefined && lowest.stored.number <= finalized
  if (common && !finalizedChanged && checkpoint.number - common.number <= window) return { kind: 'forked', to: common }
  const { stored, chain } = lowest ?? { stored: checkpoint, chain: 'nothing' }
  return {
    kind: 'too_deep',
    halt: {
      reason: finalizedChanged ? 'finalized_changed' : 'deep_reorg',
      block_number: stored.number,
      stored_hash: stored.hash,
      chain_hash: chain,
      resume_from: common ? common.number + 1 : checkpoint.first_block
    }
  }
}
