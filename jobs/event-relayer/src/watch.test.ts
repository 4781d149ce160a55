import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topicsOf } from '@fusion-prime/chain'
import fc from 'fast-check'
import { bloomOf, parseBloom } from './proof/bloom.ts'
import { createWatchSet } from './watch.ts'

const address = (tag: number) => `0x${tag.toString(16).padStart(40, '0')}`
const [topic = ''] = topicsOf('ApprovalGranted')
const bloomFor = (of: string, topic0 = topic) => parseBloom(bloomOf([{ address: of, topics: [topic0] }]))
const factories = [address(1)]

test('factories and their escrows are watched, until an escrow is removed', () => {
  const watch = createWatchSet({ factories, escrows: [[address(2), address(1)]] })
  watch.add(address(3), address(1))
  watch.add(address(3), address(1))
  assert.equal(watch.size, 3)
  assert.deepEqual(watch.filter(3), { addresses: [1, 2, 3].map(address) })
  assert.deepEqual(
    [...watch.escrows],
    [
      [address(2), address(1)],
      [address(3), address(1)]
    ]
  )
  watch.remove(address(2))
  watch.remove(address(1))
  watch.remove(address(9))
  assert.deepEqual(
    [1, 2, 3, 9].map(tag => watch.watches(address(tag))),
    [true, false, true, false]
  )
  assert.equal(watch.size, 2)
})

test('above so many addresses the known events of any address are asked for', () => {
  const watch = createWatchSet({ factories, escrows: [[address(2), address(1)]] })
  assert.deepEqual(watch.filter(1), { topics: topicsOf() })
  assert.deepEqual(watch.filter(2), { addresses: [address(1), address(2)] })
})

test('a block may hold something if its bloom has a watched address and a known event', () => {
  const watch = createWatchSet({ factories })
  assert.equal(watch.mayHold(bloomFor(address(1))), true)
  assert.equal(watch.mayHold(bloomFor(address(2))), false, 'of a stranger')
  assert.equal(watch.mayHold(bloomFor(address(1), `0x${'99'.repeat(32)}`)), false, 'of another event')
  assert.equal(watch.mayHold(new Uint8Array(256)), false)
  assert.equal(watch.mayHold(new Uint8Array(256).fill(255)), true)
})

const tags = Array.from({ length: 150 }, (_, tag) => ({ tag: tag + 1, bloom: bloomFor(address(tag + 1)) }))

test('whatever is added and removed, what is watched is what the screen lets through', () => {
  const change = fc.record({ add: fc.boolean(), tag: fc.integer({ min: 1, max: 150 }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), changes => {
      const watch = createWatchSet({ factories })
      const expected = new Set(factories)
      for (const { add, tag } of changes) {
        if (add) watch.add(address(tag), address(1))
        else watch.remove(address(tag))
        if (add) expected.add(address(tag))
        else if (tag !== 1) expected.delete(address(tag))
      }
      for (const { tag } of tags) assert.equal(watch.watches(address(tag)), expected.has(address(tag)), `${tag}`)
      // One address and one topic set 6 of 2,048 bits: no other of these addresses has its bits among them.
      const passed = tags.filter(({ bloom }) => watch.mayHold(bloom)).map(({ tag }) => address(tag))
      assert.deepEqual(new Set(passed), expected)
    })
  )
})
