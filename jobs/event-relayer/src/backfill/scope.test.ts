import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spread } from './estimate.ts'
import { createProgress, progressLine } from './progress.ts'
import { chunksOf, scopeOf } from './scope.ts'

const checkpoint = { number: 500, first_block: 100 }

for (const [name, range, at, scope] of [
  ['an empty database', [0, 90], undefined, { build: { from: 0, to: 90 }, history: undefined }],
  [
    'a range that goes on after the checkpoint',
    [100, 900],
    checkpoint,
    { build: { from: 501, to: 900 }, history: undefined }
  ],
  ['a range right after the checkpoint', [501, 900], checkpoint, { build: { from: 501, to: 900 }, history: undefined }],
  ['a range that is relayed already', [200, 400], checkpoint, { build: undefined, history: undefined }],
  ['history', [10, 50], checkpoint, { build: undefined, history: 10 }],
  ['history and what follows the checkpoint', [10, 600], checkpoint, { build: { from: 501, to: 600 }, history: 10 }]
] as const)
  test(`${name}`, () => assert.deepEqual(scopeOf({ from: range[0], to: range[1] }, at), scope))

test('a range may not leave a gap, nor end before it begins', () => {
  assert.throws(
    () => scopeOf({ from: 502, to: 900 }, checkpoint),
    /leave out blocks 501 to 501: .*use --from 501 or lower/
  )
  assert.throws(() => scopeOf({ from: 9, to: 8 }, undefined), /may not be before/)
})

test('the chunks of all tasks are the range, each block once', () => {
  for (const tasks of [1, 2, 3, 7]) {
    const chunks = Array.from({ length: tasks }, (_, task) =>
      chunksOf({ from: 5, to: 104, chunk_blocks: 9 }, { task, tasks })
    )
    const blocks = chunks
      .flat()
      .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
    assert.deepEqual(
      blocks.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => 5 + index)
    )
  }
})

test('a sample is spread over its range, each block at most once', () => {
  assert.deepEqual(spread({ from: 100, to: 199 }, 4), [112, 137, 162, 187])
  assert.deepEqual(spread({ from: 7, to: 9 }, 50), [7, 8, 9])
})

test('a progress line tells the rate of its stage and the time left, at most once a second', () => {
  const line = { stage: 'staged', done: 600, total: 4000, since: { at: 0, done: 100 }, now: 10_000 }
  assert.equal(progressLine(line), 'staged: 600 of 4000 blocks (15 %), 50 blocks/s, 1 min 8 s left')
  assert.equal(progressLine({ ...line, now: 0 }), 'staged: 600 of 4000 blocks (15 %)')
  let now = 0
  const written: string[] = []
  const progress = createProgress({
    total: 10,
    clock: { now: () => now, sleep: async () => undefined },
    write: text => written.push(text)
  })
  for (const [at, done] of [
    [0, 1],
    [400, 2],
    [1000, 3],
    [1100, 10]
  ] as const) {
    now = at
    progress.show('staged', done)
  }
  progress.end()
  assert.equal(written.length, 4)
})
