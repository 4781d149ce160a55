import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bloomOf } from '../proof/bloom.ts'
import { headerHash } from '../proof/header.ts'
import { bytesToHex } from '../proof/hex.ts'
import { receiptsRoot } from '../proof/receipts.ts'
import { buildBlock } from './blocks.ts'

const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(bytesToHex)
const log = fc.record(
  { address: hexOf(20), topics: fc.array(hexOf(32), { maxLength: 4 }), data: fc.uint8Array().map(bytesToHex) },
  { noNullPrototype: true }
)
const block = fc.record({
  number: fc.nat(),
  parentHash: hexOf(32),
  timestamp: fc.nat(),
  transactions: fc.array(fc.record({ type: fc.constantFrom(0, 1, 2, 3, 4), logs: fc.array(log, { maxLength: 4 }) }), {
    maxLength: 20
  })
})

test('a block proves itself: hash, root, bloom, and logs at their places', () => {
  fc.assert(
    fc.property(block, model => {
      const { header, receipts, logs } = buildBlock(model)
      assert.equal(headerHash(header), header.hash)
      assert.equal(receiptsRoot(receipts), header.receiptsRoot)
      assert.equal(bloomOf(logs), header.logsBloom)
      assert.equal(Number(header.number), model.number)
      assert.equal(header.parentHash, model.parentHash)
      assert.deepEqual(
        receipts.flatMap(receipt => receipt.logs),
        logs
      )
      assert.deepEqual(
        logs.map(({ address, topics, data }) => ({ address, topics, data })),
        model.transactions.flatMap(transaction => transaction.logs)
      )
      for (const [index, log] of logs.entries()) {
        assert.equal(Number(log.logIndex), index)
        assert.equal(log.blockHash, header.hash)
        assert.equal(log.transactionHash, receipts[Number(log.transactionIndex)]?.transactionHash)
      }
      assert.equal(new Set(receipts.map(receipt => receipt.transactionHash)).size, receipts.length)
    })
  )
})

test('the same block has the same hash, and a salt makes it a sibling', () => {
  const model = { number: 7, parentHash: `0x${'1'.repeat(64)}`, timestamp: 1_700_000_000, transactions: [{ logs: [] }] }
  assert.deepEqual(buildBlock(model), buildBlock(model))
  const hashes = [model, { ...model, salt: 'a' }, { ...model, salt: 'b' }].map(each => buildBlock(each).header.hash)
  assert.equal(new Set(hashes).size, 3)
})

test('a transaction may be mined again under its hash', () => {
  const hash = `0x${'2'.repeat(64)}`
  const { receipts } = buildBlock({
    number: 7,
    parentHash: `0x${'1'.repeat(64)}`,
    timestamp: 0,
    transactions: [{ hash, logs: [] }]
  })
  assert.equal(receipts[0]?.transactionHash, hash)
})
