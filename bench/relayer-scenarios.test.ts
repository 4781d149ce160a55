import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedTicks, scenariosOf, titleOf } from './relayer-scenarios.ts'

test('a fact that was seen before it is final is two events; one that is final at once is one', () => {
  const plan = { blocks: 10, every: 1, logsPerBlock: 5, escrows: 10 }
  const ticks = [
    { name: 'a', heads: { latest: 4, finalized: 2 } },
    { name: 'b', heads: { latest: 10, finalized: 3 } },
    { name: 'c', heads: { latest: 10, finalized: 10 } }
  ]
  const expected = expectedTicks({ name: '', plan, urls: 1, check: 'off', ticks })
  assert.deepEqual(
    expected.map(({ blocks, events, facts, finalized, messages }) => ({ blocks, events, facts, finalized, messages })),
    [
      { blocks: 4, events: 20, facts: 20, finalized: 10, messages: 20 },
      { blocks: 6, events: 35, facts: 50, finalized: 15, messages: 55 },
      { blocks: 0, events: 35, facts: 50, finalized: 50, messages: 90 }
    ]
  )
})

test('the full run: 1,000 blocks × 200 logs with 1 and 50 URLs, check on and off; many blocks; many children', () => {
  const all = scenariosOf({ size: 'full', holding: '' })
  const dense = all.filter(({ name }) => name === 'dense')
  assert.deepEqual(
    dense.map(scenario => [titleOf(scenario), expectedTicks(scenario)[0]?.facts]),
    ['1 URL, check receipts', '1 URL, check off', '50 URLs, check receipts', '50 URLs, check off'].map(rest => [
      `dense, ${rest}`,
      200_000
    ])
  )
  assert.deepEqual(
    all.flatMap(scenario => expectedTicks(scenario).map(({ blocks }) => blocks)).filter(blocks => blocks > 1_000),
    [100_000, 100_000]
  )
  assert.ok(all.some(({ plan }) => plan.escrows === 50_000))
})

test('a part of a title chooses; one that fits none is refused with all titles', () => {
  const chosen = scenariosOf({ size: 'quick', holding: 'empty, 1 URL, check off' })
  assert.deepEqual(chosen.map(titleOf), ['nearly empty, 1 URL, check off'])
  assert.throws(() => scenariosOf({ size: 'quick', holding: 'sparse' }), /--scenario is sparse[\s\S]*many children/)
})
