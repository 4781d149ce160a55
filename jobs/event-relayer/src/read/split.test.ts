import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogFilter } from '../chain.ts'
import { blocksIn, filtersOf, narrower, piecesOf, type Question } from './split.ts'

const one: LogFilter = { addresses: ['0xa'] }
const three: LogFilter = { addresses: ['0xa', '0xb', '0xc'] }
const ranges = (questions: Question[] | undefined) => questions?.map(({ range }) => [range.from, range.to])

const suggestions = [
  {
    name: 'none: halves',
    suggested: undefined,
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'a beginning',
    suggested: { from: 100, to: 103 },
    expect: [
      [100, 103],
      [104, 107],
      [108, 109]
    ]
  },
  {
    name: 'a middle',
    suggested: { from: 102, to: 105 },
    expect: [
      [100, 103],
      [104, 107],
      [108, 109]
    ]
  },
  {
    name: 'a count',
    suggested: { max_blocks: 4 },
    expect: [
      [100, 103],
      [104, 107],
      [108, 109]
    ]
  },
  {
    name: 'one block',
    suggested: { from: 100, to: 100 },
    expect: Array.from({ length: 10 }, (_, n) => [100 + n, 100 + n])
  },
  {
    name: 'inverted',
    suggested: { from: 103, to: 100 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'outside',
    suggested: { from: 0, to: 2 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'partly outside',
    suggested: { from: 98, to: 101 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'no smaller',
    suggested: { from: 100, to: 109 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'more than asked',
    suggested: { max_blocks: 10_000 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'nothing',
    suggested: { max_blocks: 0 },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'not a number',
    suggested: { max_blocks: Number.NaN },
    expect: [
      [100, 104],
      [105, 109]
    ]
  },
  {
    name: 'a fraction',
    suggested: { max_blocks: 4.5 },
    expect: [
      [100, 103],
      [104, 107],
      [108, 109]
    ]
  }
]

for (const { name, suggested, expect } of suggestions) {
  test(`a suggestion of ${name}`, () => {
    const advice = { kind: 'split', ...(suggested && { suggested }) } as const
    assert.deepEqual(ranges(narrower({ range: { from: 100, to: 109 }, filter: one }, advice)), expect)
  })
}

test('one block is asked for fewer addresses, then for fewer topics, and then nothing is left', () => {
  const range = { from: 7, to: 7 }
  assert.deepEqual(narrower({ range, filter: three }, { kind: 'split' }), [
    { range, filter: { addresses: ['0xa', '0xb'] } },
    { range, filter: { addresses: ['0xc'] } }
  ])
  assert.deepEqual(narrower({ range, filter: { topics: ['0x1', '0x2'] } }, { kind: 'split' }), [
    { range, filter: { topics: ['0x1'] } },
    { range, filter: { topics: ['0x2'] } }
  ])
  assert.equal(narrower({ range, filter: one }, { kind: 'split' }), undefined)
  assert.equal(narrower({ range, filter: one }, { kind: 'split', shrink: 'addresses' }), undefined)
})

test('too many addresses are fewer addresses in the same blocks, while there are several', () => {
  const range = { from: 7, to: 10 }
  const advice = { kind: 'split', shrink: 'addresses' } as const
  const parts = narrower({ range, filter: three }, advice)
  assert.deepEqual(ranges(parts), [
    [7, 10],
    [7, 10]
  ])
  assert.deepEqual(ranges(narrower({ range, filter: one }, advice)), [
    [7, 8],
    [9, 10]
  ])
})

const anyQuestion = fc.record({
  range: fc.tuple(fc.nat(1_000), fc.nat(60)).map(([from, more]) => ({ from, to: from + more })),
  filter: fc.oneof(
    fc.record({ addresses: fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 }) }),
    fc.record({ topics: fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 }) })
  )
})
const anyAdvice = fc.record(
  {
    kind: fc.constant('split' as const),
    shrink: fc.constant('addresses' as const),
    suggested: fc.oneof(
      fc.record({ from: fc.nat(1_100), to: fc.nat(1_100) }),
      fc.record({ max_blocks: fc.integer({ min: -5, max: 100 }) })
    )
  },
  { requiredKeys: ['kind'] }
)
/** Each block and address (or topic) that is asked for, in order. */
const cells = ({ range, filter }: Question) =>
  Array.from({ length: blocksIn(range) }, (_, offset) => range.from + offset).flatMap(block =>
    ('topics' in filter ? filter.topics : filter.addresses).map(item => `${block} ${item}`)
  )

test('narrower questions are narrower, and ask all of it, each once', () => {
  fc.assert(
    fc.property(anyQuestion, anyAdvice, (question, advice) => {
      const parts = narrower(question, advice)
      const asked = cells(question)
      if (!parts) return assert.equal(asked.length, 1)
      assert.ok(parts.every(part => cells(part).length < asked.length))
      assert.deepEqual(parts.flatMap(cells).sort(), asked.sort())
    })
  )
})

test('pieces and filters cover all, and none is larger than allowed', () => {
  assert.deepEqual(piecesOf({ from: 1, to: 5 }, 2), [
    { from: 1, to: 2 },
    { from: 3, to: 4 },
    { from: 5, to: 5 }
  ])
  assert.deepEqual(filtersOf(three, 2), [{ addresses: ['0xa', '0xb'] }, { addresses: ['0xc'] }])
  assert.deepEqual(filtersOf(three, 3), [three])
  assert.deepEqual(filtersOf({ topics: ['0x1', '0x2'] }, 1), [{ topics: ['0x1', '0x2'] }])
})
