import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import type { Block, RawLog } from './chain.ts'
import { assertLinked, orderedLogs, rangesAfter } from './range.ts'

const hash = (tag: number) => `0x${tag.toString(16).padStart(64, '0')}`
const block = (number: number, parent = number - 1): Block => ({
  number,
  hash: hash(number),
  parent_hash: hash(parent),
  timestamp: number
})
const log = (number: number, log_index: number, data: `0x${string}` = '0x'): RawLog => ({
  block_number: number,
  block_hash: hash(number),
  transaction_hash: hash(1000 + log_index),
  log_index,
  address: `0x${'a'.repeat(40)}`,
  topics: [],
  data
})

test('ranges cover every block after the checkpoint once', () => {
  assert.deepEqual(
    [...rangesAfter(4, { head: 9, max: 2 })],
    [
      { from: 5, to: 6 },
      { from: 7, to: 8 },
      { from: 9, to: 9 }
    ]
  )
  assert.deepEqual([...rangesAfter(-1, { head: 0, max: 100 })], [{ from: 0, to: 0 }])
  assert.deepEqual([...rangesAfter(9, { head: 9, max: 2 })], [])
  assert.deepEqual([...rangesAfter(9, { head: 7, max: 2 })], [], 'a node behind its own past gives no range')
})

test('blocks must be children of the checkpoint, one after the other', () => {
  assertLinked(block(4), [block(5), block(6)])
  assert.throws(() => assertLinked(block(4), [block(6)]), /gave block 6 for 5/)
  assert.throws(
    () => assertLinked(block(4), [block(5), block(6, 99)]),
    (error: unknown) =>
      error instanceof PermanentError && /reorganised/.test(error.message) && error.message.includes(hash(99))
  )
})

test('logs come in chain order, identical doubles once; what contradicts is refused', () => {
  const blocks = new Map([5, 6].map(number => [hash(number), block(number)]))
  const logs = [log(6, 0), log(5, 2), log(5, 1), log(5, 2)]
  assert.deepEqual(
    orderedLogs(logs, blocks).map(one => [one.block_number, one.log_index]),
    [
      [5, 1],
      [5, 2],
      [6, 0]
    ]
  )
  assert.throws(() => orderedLogs([log(5, 1), log(5, 1, '0x01')], blocks), /two different logs 1 of block 5/)
  assert.throws(() => orderedLogs([log(7, 0)], blocks), /not the block that it gave/)
})
