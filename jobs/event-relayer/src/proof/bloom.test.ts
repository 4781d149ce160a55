import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bloomBits, bloomHas, bloomOf, parseBloom } from './bloom.ts'
import { bytesToHex } from './hex.ts'
import { vectors } from './test-vectors.ts'

const blooms = new Map([
  ...vectors.headers.map(({ id, logsBloom }) => [id, parseBloom(logsBloom)] as const),
  [21_925_176, parseBloom(vectors.mainnet.header.logsBloom)] as const
])
const hexOf = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(bytesToHex)
const log = fc.record({ address: hexOf(20), topics: fc.array(hexOf(32), { maxLength: 4 }) })

describe('recorded blooms', () => {
  for (const { id, block, item, in_bloom } of vectors.bloom) {
    test(`${id}: ${in_bloom ? 'may have' : "hasn't"} ${item}`, () => {
      const bloom = blooms.get(block)
      assert.ok(bloom, `no header ${block}`)
      assert.equal(bloomHas(bloom, bloomBits(item)), in_bloom)
    })
  }
})

test('the bloom of recorded logs is that of their block and of their receipts', () => {
  for (const { id, logsBloom, receipts } of vectors.blocks) {
    assert.equal(bloomOf(receipts.flatMap(({ logs }) => logs)), logsBloom, `block ${id}`)
  }
  for (const { logs, logsBloom } of vectors.mainnet.receipts) assert.equal(bloomOf(logs), logsBloom)
})

test('what is in a block is never denied', () => {
  fc.assert(
    fc.property(fc.array(log), logs => {
      const bloom = parseBloom(bloomOf(logs))
      for (const { address, topics } of logs) {
        for (const item of [address, ...topics]) assert.ok(bloomHas(bloom, bloomBits(item)))
      }
    })
  )
})

test('what is no bloom, address or topic is refused', () => {
  for (const hex of ['', '0x', `0x${'0'.repeat(510)}`, `0x${'0'.repeat(514)}`, `0x${'g'.repeat(512)}`]) {
    assert.throws(() => parseBloom(hex), /logsBloom must be 256 bytes of hex/)
  }
  for (const hex of ['0x', `0x${'0'.repeat(38)}`, `0x${'0'.repeat(62)}`, '0xzz']) {
    assert.throws(() => bloomBits(hex), /an address .*topic.* must be/)
  }
  assert.throws(() => bloomHas(new Uint8Array(255), bloomBits(`0x${'0'.repeat(40)}`)), /256 bytes, not 255/)
})
