import { type Heads, type Level, levels, type Range } from './chain.ts'

/** A range all of whose blocks have reached the same level. */
export type LeveledRange = Range & { level: Level }

/** The next blocks to read, at most `size` of them, never across the finalized or the safe block; undefined at the head. */
export function nextRange(after: number, { heads, size }: { heads: Heads; size: number }): LeveledRange | undefined {
  const from = after + 1
  for (const { level, upTo } of levels(heads)) {
    if (from <= upTo) return { from, to: Math.min(from + size - 1, upTo), level }
  }
  return undefined
}

/** Ranges grow by half at most, so that one sparse range isn't followed by a huge one. */
const GROWTH = 1.5

/** Blocks for the next range, so that its answers stay within `maxBytes`: half of it, since the next range is read while this one is written. */
export function nextSize(
  { blocks, bytes }: { blocks: number; bytes: number },
  { maxBytes, maxBlocks }: { maxBytes: number; maxBlocks: number }
): number {
  const fitting = bytes === 0 ? Number.POSITIVE_INFINITY : (blocks * maxBytes) / 2 / bytes
  return Math.max(1, Math.min(Math.floor(fitting), Math.ceil(blocks * GROWTH), maxBlocks))
}
