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

/** A tick begins with small ranges, since it doesn't know how dense the chain is, and doubles them while they fit. */
export const FIRST_SIZE = 8
const GROWTH = 2

/** Bytes that a range's answers take at most for each byte of it that is kept: parsed, decoded, written and read ahead. */
const WEIGHT = 16

/** Blocks for the next range, so that all that is held of it stays within `maxBytes`. */
export function nextSize(
  { blocks, bytes }: { blocks: number; bytes: number },
  { maxBytes, maxBlocks }: { maxBytes: number; maxBlocks: number }
): number {
  const fitting = bytes === 0 ? Number.POSITIVE_INFINITY : (blocks * maxBytes) / WEIGHT / bytes
  return Math.max(1, Math.min(Math.floor(fitting), blocks * GROWTH, maxBlocks))
}
