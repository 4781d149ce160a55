import { PermanentError } from '@fusion-prime/runtime'
import type { Range } from '../chain.ts'

/** What a backfill has to do. */
export type Scope = {
  /** Blocks after the checkpoint, which shards read and stage. */
  build: Range | undefined
  /** First block of history from before relaying began; a lane reads it, and on to the checkpoint. */
  history: number | undefined
}

/** Compares the wanted blocks with what is relayed. Throws a PermanentError where a gap would stay. */
export function scopeOf({ from, to }: Range, checkpoint: { number: number; first_block: number } | undefined): Scope {
  if (to < from) throw new PermanentError(`--from ${from} --to ${to}: the last block may not be before the first`)
  if (!checkpoint) return { build: { from, to }, history: undefined }
  const { number, first_block } = checkpoint
  if (from > number + 1) {
    throw new PermanentError(
      `--from ${from} would leave out blocks ${number + 1} to ${from - 1}: the checkpoint is block ${number}; use --from ${number + 1} or lower`
    )
  }
  return {
    build: to > number ? { from: number + 1, to } : undefined,
    history: from < first_block ? from : undefined
  }
}

/** The grid is that of the whole backfill, so that tasks which begin at different times agree on it. */
export function chunksOf(
  { from, to, chunk_blocks }: Range & { chunk_blocks: number },
  { task, tasks }: { task: number; tasks: number }
): Range[] {
  const chunks: Range[] = []
  for (let start = from + task * chunk_blocks; start <= to; start += tasks * chunk_blocks)
    chunks.push({ from: start, to: Math.min(start + chunk_blocks - 1, to) })
  return chunks
}
