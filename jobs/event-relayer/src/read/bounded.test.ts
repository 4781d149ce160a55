import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { mapBounded } from './bounded.ts'

test('answers keep the order of the items, and no more than asked are under way', async () => {
  let underWay = 0
  let most = 0
  const doubled = await mapBounded([5, 1, 4, 2, 3], 2, async item => {
    most = Math.max(most, ++underWay)
    for (let left = item; left > 0; left--) await turn()
    underWay--
    return 2 * item
  })
  assert.deepEqual(doubled, [10, 2, 8, 4, 6])
  assert.equal(most, 2)
  assert.deepEqual(await mapBounded([], 4, async () => 1), [])
})

test('after a failure nothing new begins, and the failure is thrown when nothing is under way', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const work = async (item: number) => {
    begun.push(item)
    if (item === 1) throw new Error('first')
    for (let left = 0; left < 5; left++) await turn()
    ended.push(item)
    throw new Error('second')
  }
  await assert.rejects(mapBounded([0, 1, 2, 3], 2, work), /first/)
  assert.deepEqual([begun, ended], [[0, 1], [0]])
})
