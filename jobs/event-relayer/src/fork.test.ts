import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BlockId, Header } from './chain.ts'
import { findFork } from './fork.ts'

const hashOf = (number: number, branch: string) => `${branch}${number}`
const headerOf = (number: number, hash: string): Header => {
  return { number, hash, parent_hash: '', timestamp: 0, logs_bloom: '', receipts_root: '' }
}

/** Blocks `a0`, `a1`, … are stored; the provider has `b` from a block on. */
function setUp({ stored, forkAt }: { stored: readonly number[]; forkAt: number }) {
  const asked: number[] = []
  const rows = stored.map((number): BlockId => ({ number, hash: hashOf(number, 'a') })).toReversed()
  return {
    asked,
    store: {
      blocksFrom: async (from: number, limit: number) => rows.filter(({ number }) => number <= from).slice(0, limit)
    },
    reader: {
      async header(number: number) {
        asked.push(number)
        return headerOf(number, hashOf(number, number >= forkAt ? 'b' : 'a'))
      }
    }
  }
}

const upTo = (to: number, from = 0) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const checkpoint = (number: number, finalized?: number) => ({
  number,
  hash: hashOf(number, 'a'),
  first_block: 0,
  safe_number: finalized,
  finalized_number: finalized
})

test('a tip that the provider has too costs one header', async () => {
  const { store, reader, asked } = setUp({ stored: upTo(20), forkAt: 99 })
  assert.deepEqual(await findFork({ store, reader }, checkpoint(20), 128), { kind: 'linked' })
  assert.deepEqual(asked, [20])
})

test('before the first block there is nothing to fork from', async () => {
  const { store, reader, asked } = setUp({ stored: [], forkAt: 0 })
  assert.deepEqual(await findFork({ store, reader }, { ...checkpoint(-1), hash: '0x0' }, 128), { kind: 'linked' })
  assert.deepEqual(asked, [])
})

describe('a fork is found however deep, as far as the window', () => {
  for (const depth of [1, 2, 31, 32, 33, 64, 100, 128]) {
    test(`${depth} blocks`, async () => {
      const { store, reader } = setUp({ stored: upTo(200), forkAt: 201 - depth })
      const to = { number: 200 - depth, hash: hashOf(200 - depth, 'a') }
      assert.deepEqual(await findFork({ store, reader }, checkpoint(200), 128), { kind: 'forked', to })
    })
  }
})

test('one block deeper than the window waits for an operator, who is told both hashes and where to go on', async () => {
  const { store, reader } = setUp({ stored: upTo(200), forkAt: 72 })
  assert.deepEqual(await findFork({ store, reader }, checkpoint(200), 128), {
    kind: 'too_deep',
    halt: { reason: 'deep_reorg', block_number: 72, stored_hash: 'a72', chain_hash: 'b72', resume_from: 72 }
  })
})

test('a fork below what is final waits for an operator, however shallow', async () => {
  const { store, reader } = setUp({ stored: upTo(20), forkAt: 18 })
  assert.deepEqual(await findFork({ store, reader }, checkpoint(20, 18), 128), {
    kind: 'too_deep',
    halt: { reason: 'finalized_changed', block_number: 18, stored_hash: 'a18', chain_hash: 'b18', resume_from: 18 }
  })
  const above = setUp({ stored: upTo(20), forkAt: 19 })
  assert.equal((await findFork(above, checkpoint(20, 18), 128)).kind, 'forked', 'right above it is an ordinary one')
})

test('gaps below the finalized block don’t hide a fork', async () => {
  const stored = [0, 5, 10, ...upTo(20, 12)]
  const { store, reader } = setUp({ stored, forkAt: 14 })
  assert.deepEqual(await findFork({ store, reader }, checkpoint(20, 10), 128), {
    kind: 'forked',
    to: { number: 13, hash: 'a13' }
  })
  const deep = setUp({ stored, forkAt: 3 })
  assert.deepEqual(await findFork(deep, checkpoint(20, 10), 128), {
    kind: 'too_deep',
    halt: { reason: 'finalized_changed', block_number: 5, stored_hash: 'a5', chain_hash: 'b5', resume_from: 1 }
  })
})

test('a chain that shares no stored block is another chain', async () => {
  const { store, reader } = setUp({ stored: upTo(5), forkAt: 0 })
  assert.deepEqual(await findFork({ store, reader }, checkpoint(5), 128), {
    kind: 'too_deep',
    halt: { reason: 'deep_reorg', block_number: 0, stored_hash: 'a0', chain_hash: 'b0', resume_from: 0 }
  })
})

test('down to the first block that was ever read all may be replaced, within the window', async () => {
  const { store, reader } = setUp({ stored: upTo(9, 4), forkAt: 4 })
  const from4 = { ...checkpoint(9), first_block: 4 }
  assert.deepEqual(await findFork({ store, reader }, from4, 6), { kind: 'forked', to: { number: 3, hash: 'a3' } })
  assert.equal((await findFork({ store, reader }, from4, 5)).kind, 'too_deep')
  const final = { ...from4, safe_number: 4, finalized_number: 4 }
  assert.equal((await findFork({ store, reader }, final, 6)).kind, 'too_deep')
})
