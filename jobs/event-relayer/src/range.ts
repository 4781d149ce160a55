import { PermanentError } from '@fusion-prime/runtime'
import type { Block, BlockId, Range, RawLog } from './chain.ts'

/** The blocks after the checkpoint up to the head, in ranges of at most `max`. */
export function* rangesAfter(checkpoint: number, { head, max }: { head: number; max: number }): Generator<Range> {
  for (let from = checkpoint + 1; from <= head; from += max) yield { from, to: Math.min(from + max - 1, head) }
}

/** Throws unless each block is the child of the one before it, the first one of the checkpoint. */
export function assertLinked(checkpoint: BlockId, blocks: readonly Block[]): void {
  let parent = checkpoint
  for (const block of blocks) {
    if (block.number !== parent.number + 1)
      throw new Error(`the provider gave block ${block.number} for ${parent.number + 1}`)
    if (block.parent_hash !== parent.hash) {
      throw new PermanentError(
        `the chain was reorganised: the parent of block ${block.number} is ${block.parent_hash}, block ${parent.number} is stored as ${parent.hash}`
      )
    }
    parent = block
  }
}

/** Logs in chain order, each once. Throws for one that differs from its double, or that isn't of the block that was read. */
export function orderedLogs(logs: readonly RawLog[], blocks: ReadonlyMap<string, Block>): RawLog[] {
  const kept = new Map<string, RawLog>()
  for (const log of logs) {
    if (blocks.get(log.block_hash)?.number !== log.block_number) {
      throw new Error(
        `the provider gave a log of block ${log.block_number} ${log.block_hash}, which is not the block that it gave`
      )
    }
    const place = `${log.block_hash}:${log.log_index}`
    const double = kept.get(place)
    if (double && JSON.stringify(double) !== JSON.stringify(log)) {
      throw new Error(`the provider gave two different logs ${log.log_index} of block ${log.block_number}`)
    }
    kept.set(place, log)
  }
  return [...kept.values()].sort((a, b) => a.block_number - b.block_number || a.log_index - b.log_index)
}
