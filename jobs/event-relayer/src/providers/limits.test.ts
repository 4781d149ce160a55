import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimits } from './limits.ts'

const growTimes = (limits: ReturnType<typeof createLimits>, times: number) => {
  for (let time = 0; time < times; time++) limits.grow({ blocks: limits.max_blocks, addresses: 7 })
}

test('learns downwards only, and never less than one', () => {
  const limits = createLimits(1000)
  limits.learn({ max_blocks: 400 })
  limits.learn({ max_blocks: 900 })
  assert.equal(limits.max_blocks, 400)
  limits.learn({ max_blocks: 0 })
  assert.equal(limits.max_blocks, 1)
})

test('grows again up to the most, the slower the oftener it was refused', () => {
  const limits = createLimits(1000)
  limits.learn({ max_blocks: 400 })
  growTimes(limits, 7)
  assert.equal(limits.max_blocks, 400)
  growTimes(limits, 1)
  assert.equal(limits.max_blocks, 500)
  limits.learn({ max_blocks: 400 })
  growTimes(limits, 15)
  assert.equal(limits.max_blocks, 400)
  growTimes(limits, 1000)
  assert.equal(limits.max_blocks, 1000)
})

test('addresses have no limit until one is learned', () => {
  const limits = createLimits(1000)
  assert.equal(limits.max_addresses, Number.POSITIVE_INFINITY)
  assert.deepEqual(limits.values(), { max_blocks: 1000 })
  limits.learn({ max_addresses: 50 })
  assert.deepEqual(limits.values(), { max_blocks: 1000, max_addresses: 50 })
})

test('each limit is probed by calls at it alone, though the other is never reached', () => {
  const limits = createLimits(1000)
  limits.learn({ max_addresses: 40 })
  for (let time = 0; time < 100; time++) limits.grow({ blocks: 8, addresses: 39 })
  assert.deepEqual(limits.values(), { max_blocks: 1000, max_addresses: 40 })
  for (let time = 0; time < 8; time++) limits.grow({ blocks: 8, addresses: 40 })
  assert.deepEqual(limits.values(), { max_blocks: 1000, max_addresses: 50 })
  limits.learn({ max_blocks: 100 })
  for (let time = 0; time < 16; time++) limits.grow({ blocks: 100, addresses: 0 })
  assert.deepEqual(limits.values(), { max_blocks: 125, max_addresses: 50 })
})

test('what was kept is restored, but never beyond the most', () => {
  const limits = createLimits(1000)
  limits.restore({ max_blocks: 5000, max_addresses: 20 })
  assert.deepEqual(limits.values(), { max_blocks: 1000, max_addresses: 20 })
})
