import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, startLoop } from './loop.ts'

/** Rounds that take as long as given, on a clock that moves with them and with sleep only: when each began. */
async function run(durations: readonly number[]): Promise<number[]> {
  let now = 1_000
  const began: number[] = []
  const clock: Clock = {
    now: () => now,
    async sleep(ms) {
      await new Promise(setImmediate)
      now += ms
    }
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const loop = startLoop({
    async round() {
      began.push(now - 1_000)
      now += durations[began.length - 1] ?? 0
      if (began.length === durations.length) resolve()
    },
    clock,
    intervalMs: 30_000
  })
  await promise
  await loop.stop()
  return began
}

test('rounds begin at the start and every interval after it, however long each takes', async () => {
  assert.deepEqual(await run([0, 5_000, 29_999, 1]), [0, 30_000, 60_000, 90_000])
})

test('a slow round leaves out the times it missed; rounds never pile up', async () => {
  assert.deepEqual(await run([65_000, 30_000, 0]), [0, 90_000, 150_000])
})

test('stopping ends a sleep at once and waits for the round under way', async () => {
  const { promise: release, resolve: finish } = Promise.withResolvers<void>()
  let done = false
  const loop = startLoop({
    async round() {
      await release
      done = true
    },
    clock: { now: () => 0, sleep: async (_ms, signal) => assert.ok(signal.aborted) },
    intervalMs: 30_000
  })
  const stopped = loop.stop()
  setImmediate(finish)
  await stopped
  assert.ok(done)
})
