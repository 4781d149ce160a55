import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createGroupCommit } from './group-commit.ts'

class ItemFault extends Error {}

/** A group commit whose commits are noted and answered when the test says so. */
function createHarness({ maxBatch = 200, refuses = (_: number): boolean => false } = {}) {
  const batches: number[][] = []
  const gates: (() => void)[] = []
  const group = createGroupCommit<number, string>({
    async commit(items) {
      batches.push(items)
      await new Promise<void>(resolve => gates.push(resolve))
      const bad = items.find(refuses)
      if (bad !== undefined) throw new ItemFault(`bad ${bad}`)
      return items.map(item => `done ${item}`)
    },
    isItemFault: error => error instanceof ItemFault,
    maxBatch
  })
  /** Lets every commit go on, until none is under way. */
  async function run(): Promise<void> {
    while (group.size() > 0) {
      gates.shift()?.()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  /** Until a commit is under way. */
  async function begun(): Promise<void> {
    while (gates.length === 0) await new Promise(resolve => setImmediate(resolve))
  }
  return { group, batches, run, begun }
}

/** Called before an item is submitted, it ends before the group looks again: as what a socket brings comes before a turn's end. */
const startTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const outcomeOf = (answers: PromiseSettledResult<string>[]) =>
  answers.map(one => (one.status === 'fulfilled' ? one.value : String(one.reason.message)))

describe('group commit', () => {
  test('what arrives together, or during a commit, shares one; answers are each item’s own', async () => {
    const { group, batches, run, begun } = createHarness()
    const together = [1, 2].map(item => group.submit(item))
    await begun()
    const during = [3, 4, 5].map(item => group.submit(item))
    assert.deepEqual([batches, group.size()], [[[1, 2]], 5])
    await run()
    assert.deepEqual(await Promise.all([...together, ...during]), ['done 1', 'done 2', 'done 3', 'done 4', 'done 5'])
    const expected = [
      [1, 2],
      [3, 4, 5]
    ]
    assert.deepEqual([batches, group.size()], [expected, 0])
  })

  test('turns of the event loop that each bring an item share a commit, until one brings none', async () => {
    const { group, batches, run, begun } = createHarness()
    const answers: Promise<string>[] = []
    for (const item of [1, 2, 3]) {
      const nextTurn = startTurn()
      answers.push(group.submit(item))
      await nextTurn
    }
    await begun()
    answers.push(group.submit(4))
    await run()
    assert.equal((await Promise.all(answers)).length, 4)
    assert.deepEqual(batches, [[1, 2, 3], [4]])
  })

  test('a stream of items that never pauses is committed as soon as a batch is full', async () => {
    const { group, batches, run } = createHarness({ maxBatch: 3 })
    const answers: Promise<string>[] = []
    for (let item = 1; batches.length === 0 && item < 100; item++) {
      const nextTurn = startTurn()
      answers.push(group.submit(item))
      await nextTurn
    }
    assert.deepEqual(batches, [[1, 2, 3]])
    await run()
    await Promise.all(answers)
    assert.deepEqual(
      batches.flat(),
      answers.map((_, index) => index + 1)
    )
  })

  test('a batch is never larger than its bound', async () => {
    const { group, batches, run } = createHarness({ maxBatch: 3 })
    const answers = [1, 2, 3, 4, 5, 6, 7, 8].map(item => group.submit(item))
    await run()
    assert.equal((await Promise.all(answers)).length, 8)
    assert.deepEqual(batches, [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8]
    ])
  })

  test('an item’s own fault is its alone: its neighbours pass', async () => {
    const { group, run } = createHarness({ refuses: item => item === 4 || item === 5 })
    const answers = Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map(item => group.submit(item)))
    await run()
    const expected = ['done 1', 'done 2', 'done 3', 'bad 4', 'bad 5', 'done 6', 'done 7']
    assert.deepEqual(outcomeOf(await answers), expected)
  })

  test('any other fault fails the batch as one, at once, and the next batch is tried', async () => {
    let commits = 0
    const group = createGroupCommit<number, string>({
      async commit(items) {
        commits += 1
        await new Promise(resolve => setImmediate(resolve))
        if (commits === 2) throw new Error('connection lost')
        return items.map(item => `done ${item}`)
      },
      isItemFault: error => error instanceof ItemFault,
      maxBatch: 3
    })
    const answers = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map(item => group.submit(item)))
    const lost = Array(3).fill('connection lost')
    assert.deepEqual(outcomeOf(answers), ['done 1', 'done 2', 'done 3', ...lost, 'done 7'])
    assert.equal(commits, 3)
  })

  test('a commit that answers too little fails those without an answer', async () => {
    const group = createGroupCommit<number, string>({ commit: async () => [], isItemFault: () => true, maxBatch: 2 })
    await assert.rejects(group.submit(1), /gave no answer/)
  })

  test('whichever items are bad, each gets its own answer and the good ones are committed once', async () => {
    const anyItems = fc.uniqueArray(fc.nat(100), { minLength: 1, maxLength: 40 })
    const property = fc.asyncProperty(anyItems, fc.array(fc.nat(100)), async (items, bad) => {
      const committed: number[] = []
      const group = createGroupCommit<number, string>({
        async commit(batch) {
          await undefined
          const refused = batch.find(item => bad.includes(item))
          if (refused !== undefined) throw new ItemFault(`bad ${refused}`)
          committed.push(...batch)
          return batch.map(item => `done ${item}`)
        },
        isItemFault: error => error instanceof ItemFault,
        maxBatch: 7
      })
      const answers = await Promise.allSettled(items.map(item => group.submit(item)))
      const expected = items.map(item => (bad.includes(item) ? `bad ${item}` : `done ${item}`))
      assert.deepEqual(outcomeOf(answers), expected)
      assert.deepEqual(
        committed,
        items.filter(item => !bad.includes(item))
      )
    })
    await fc.assert(property)
  })
})
