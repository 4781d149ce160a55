import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockId, Heads } from './chain.ts'
import { type LeveledRange, nextRange, nextSize } from './range.ts'

const block = (number: number): BlockId => ({ number, hash: `0x${number}` })
const headsAt = (latest: number, safe?: number, finalized?: number): Heads => ({
  latest: { ...block(latest), parent_hash: '', timestamp: 0, logs_bloom: '', receipts_root: '' },
  safe: safe === undefined ? undefined : block(safe),
  finalized: finalized === undefined ? undefined : block(finalized)
})

function allRanges(after: number, { heads, size }: { heads: Heads; size: number }): LeveledRange[] {
  const ranges: LeveledRange[] = []
  for (let range = nextRange(after, { heads, size }); range; range = nextRange(range.to, { heads, size }))
    ranges.push(range)
  return ranges
}

test('ranges cover every block after the checkpoint once, and stop at the finalized and the safe block', () => {
  assert.deepEqual(allRanges(4, { heads: headsAt(13, 10, 8), size: 3 }), [
    { from: 5, to: 7, level: 'finalized' },
    { from: 8, to: 8, level: 'finalized' },
    { from: 9, to: 10, level: 'safe' },
    { from: 11, to: 13, level: 'seen' }
  ])
  assert.deepEqual(allRanges(-1, { heads: headsAt(0), size: 100 }), [{ from: 0, to: 0, level: 'seen' }])
  assert.deepEqual(allRanges(9, { heads: headsAt(12, 9, 9), size: 100 }), [{ from: 10, to: 12, level: 'seen' }])
})

test('however far behind it is, no block is skipped', () => {
  const ranges = allRanges(0, { heads: headsAt(12_345, 12_300, 12_000), size: 200 })
  assert.equal(ranges[0]?.from, 1)
  for (const [index, range] of ranges.entries()) assert.equal(range.from, (ranges[index - 1]?.to ?? 0) + 1)
  assert.equal(ranges.at(-1)?.to, 12_345)
})

test('at the head, or with a node behind it, there is nothing to read', () => {
  assert.equal(nextRange(9, { heads: headsAt(9, 5, 3), size: 2 }), undefined)
  assert.equal(nextRange(9, { heads: headsAt(7, 5, 3), size: 2 }), undefined)
})

const limits = { maxBytes: 12_000, maxBlocks: 200 }
const sizes: [what: string, last: { blocks: number; bytes: number }, next: number][] = [
  ['empty blocks: twice as many', { blocks: 10, bytes: 0 }, 20],
  ['never above the limit in blocks', { blocks: 180, bytes: 0 }, 200],
  ['dense blocks: fewer, so that sixteen times their bytes fit', { blocks: 10, bytes: 3_000 }, 2],
  ['what just fits stays', { blocks: 10, bytes: 750 }, 10],
  ['one block that is too large is still read', { blocks: 1, bytes: 50_000 }, 1],
  ['a short range grows again', { blocks: 1, bytes: 1 }, 2]
]
for (const [what, last, next] of sizes)
  test(`size of the next range: ${what}`, () => assert.equal(nextSize(last, limits), next))
