import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterKey, laneKey, liveFactories, pairsOf, planCoverage } from './plan.ts'

const topics = ['t1', 't2', 't3']
const checkpoint = { number: 500, first_block: 100 }
const covered = (factories: readonly string[], over: { topics?: string[]; from?: number; until?: number } = {}) =>
  pairsOf(factories, over.topics ?? topics).map(pair => ({
    ...pair,
    from_block: over.from ?? 100,
    until_block: over.until
  }))
const nothing = { first: undefined, ended: [], opened: [] }
const usual = { factories: ['a', 'b'], topics, coverage: covered(['a', 'b']), open: [], checkpoint, startBlock: 100 }

const cases: { name: string; given: Partial<Parameters<typeof planCoverage>[0]>; plan: object }[] = [
  { name: 'all is covered', given: {}, plan: {} },
  {
    name: 'the very first run covers all from START_BLOCK on',
    given: { checkpoint: undefined, coverage: [], startBlock: 7 },
    plan: { first: { pairs: pairsOf(['a', 'b'], topics), from: 7 } }
  },
  {
    name: 'nothing can be said before START_BLOCK is known',
    given: { checkpoint: undefined, coverage: [], startBlock: undefined },
    plan: {}
  },
  {
    name: 'a relayer that noted no coverage covered what is configured',
    given: { coverage: [] },
    plan: { first: { pairs: pairsOf(['a', 'b'], topics), from: 100 } }
  },
  {
    name: 'new factories share a lane from the first block on',
    given: { factories: ['a', 'b', 'd', 'c'] },
    plan: { opened: [{ factories: ['c', 'd'], topics: undefined, from_block: 100 }] }
  },
  {
    name: 'a later START_BLOCK is where a new factory begins',
    given: { factories: ['a', 'b', 'c'], startBlock: 300 },
    plan: { opened: [{ factories: ['c'], topics: undefined, from_block: 300 }] }
  },
  {
    name: 'an earlier START_BLOCK is no reason to read history',
    given: { factories: ['a', 'b', 'c'], startBlock: 3 },
    plan: { opened: [{ factories: ['c'], topics: undefined, from_block: 100 }] }
  },
  {
    name: 'a new signature is looked for in all factories',
    given: { coverage: covered(['a', 'b'], { topics: ['t1', 't3'] }) },
    plan: { opened: [{ factories: ['a', 'b'], topics: ['t2'], from_block: 100 }] }
  },
  {
    name: 'an open lane isn’t opened twice',
    given: {
      factories: ['a', 'b', 'c'],
      open: [{ factories: ['c'], topics: undefined, from_block: 100 }]
    },
    plan: {}
  },
  {
    name: 'what is watched no longer ends at the checkpoint',
    given: { factories: ['a'] },
    plan: { ended: covered(['b']) }
  },
  {
    name: 'what comes back begins after its end',
    given: { coverage: [...covered(['a']), ...covered(['b'], { until: 250 })] },
    plan: { opened: [{ factories: ['b'], topics: undefined, from_block: 251 }] }
  }
]

for (const { name, given, plan } of cases)
  test(name, () => assert.deepEqual(planCoverage({ ...usual, ...given }), { ...nothing, ...plan }))

test('the live lane watches the factories whose history is in', () => {
  const coverage = [...covered(['a']), ...covered(['b'], { until: 250 })]
  assert.deepEqual(liveFactories(['a', 'b', 'c'], coverage), ['a'])
  assert.deepEqual(liveFactories(['a', 'b'], []), ['a', 'b'])
})

test('a key doesn’t depend on the order in which a filter is written', () => {
  assert.equal(
    filterKey({ factories: ['a', 'b'], topics }),
    filterKey({ factories: ['b', 'a'], topics: [...topics].reverse() })
  )
  const lane = { factories: ['a'], topics: undefined, from_block: 1 }
  assert.notEqual(laneKey(lane), laneKey({ ...lane, from_block: 2 }))
  assert.match(laneKey(lane), /^[0-9a-f]{64}$/)
})
