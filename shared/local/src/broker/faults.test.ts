import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Faults } from './faults.ts'
import { createTestEngine } from './testing/engine.ts'

const MESSAGES = 200
const KEYS = 5
const texts = Array.from({ length: MESSAGES }, (_, index) => `${'abcde'[index % KEYS]}-${index}`)

function run(faults: Faults, ordered = true) {
  const world = createTestEngine({ faults })
  const subscription = world.subscribe({ ordered, retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 4 } })
  for (const text of texts) {
    world.publish(text)
    world.clock.advance(20)
  }
  world.wait(3600)
  return { stats: subscription.stats(), deliveries: world.deliveries }
}

const firstDeliveries = (deliveries: { text: string }[]) => [...new Set(deliveries.map(({ text }) => text))]

/** Messages of a key that came for the first time before an earlier one had. */
function observedInversions(deliveries: { text: string; key: string }[]): number {
  const firsts = firstDeliveries(deliveries)
  return firsts.filter((text, place) => {
    const earlier = texts.slice(0, texts.indexOf(text)).filter(other => other[0] === text[0])
    return earlier.some(other => firsts.indexOf(other) > place)
  }).length
}

const all: Faults = { seed: 7, duplicate: 0.2, delay: { rate: 0.2, maxMs: 500 }, shuffle: 0.1, lostAck: 0.2 }

test('the same seed gives the same deliveries at the same times, another seed others', () => {
  assert.deepEqual(run(all), run(all))
  assert.notDeepEqual(run(all).deliveries, run({ ...all, seed: 8 }).deliveries)
})

test('no faults, no seed: every message once and in order', () => {
  const { deliveries, stats } = run({ seed: 7 })
  assert.deepEqual(
    deliveries.map(({ text }) => text),
    texts
  )
  assert.deepEqual(stats.injected, { duplicates: 0, delays: 0, inversions: 0, lostAcks: 0 })
})

test('duplicates come again without disturbing the order of first deliveries', () => {
  const { deliveries, stats } = run({ seed: 7, duplicate: 0.2 })
  assert.ok(stats.injected.duplicates > 20, `${stats.injected.duplicates} duplicates`)
  assert.equal(deliveries.length, MESSAGES + stats.injected.duplicates)
  assert.equal(observedInversions(deliveries), 0)
})

test('a duplicate of an ordered message brings the ones after it again', () => {
  const world = createTestEngine({ faults: { seed: 3, duplicate: 0.3 } })
  world.subscribe()
  world.answerWith(() => 'hold')
  world.publish(...Array.from({ length: 50 }, (_, index) => `a-${index}`))
  world.answerWith(() => 'ack')
  const numbers = world.texts().map(text => Number(text.slice(2)))
  const steps = numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0))
  assert.ok(
    steps.some(step => step < 0),
    'goes back'
  )
  assert.ok(
    steps.every(step => step <= 1),
    `never leaves one out: ${numbers}`
  )
})

test('a refused duplicate is neither tried again nor held against the message', () => {
  for (const ordered of [true, false]) {
    const world = createTestEngine({ faults: { seed: 7, duplicate: 1 } })
    const { stats } = world.subscribe({ ordered })
    let seen = 0
    world.answerWith(() => (seen++ === 0 ? 'ack' : 'nack'))
    world.publish('a-1')
    world.wait(100)
    assert.deepEqual(world.texts(), ['a-1', 'a-1'])
    assert.equal(stats().acked, 1)
    assert.equal(stats().backlog + stats().outstanding, 0)
  }
})

test('delays keep the order of a key, shuffling breaks it and says how often', () => {
  const delayed = run({ seed: 7, delay: { rate: 0.3, maxMs: 500 } })
  assert.ok(delayed.stats.injected.delays > 30)
  assert.equal(observedInversions(delayed.deliveries), 0)
  for (const ordered of [true, false]) {
    const shuffled = run({ seed: 7, shuffle: 0.1 }, ordered)
    assert.ok(shuffled.stats.injected.inversions > 10)
    assert.equal(shuffled.stats.injected.inversions, observedInversions(shuffled.deliveries))
  }
})

test('a lost ack is a redelivery after the back-off, and never the cause of a dead letter', () => {
  const world = createTestEngine({ faults: { seed: 7, lostAck: 1 } })
  world.engine.createTopic('projects/test-project/topics/letters')
  const deadLetter = { topic: 'projects/test-project/topics/letters', maxDeliveryAttempts: 5 }
  const { stats } = world.subscribe({ deadLetter })
  world.publish('a-1')
  world.wait(300)
  assert.deepEqual(
    world.deliveries.map(({ seconds }) => seconds),
    [0, 10, 30, 70]
  )
  assert.deepEqual(
    { ...stats().injected, acked: stats().acked },
    { duplicates: 0, delays: 0, inversions: 0, lostAcks: 3, acked: 1 }
  )
})

test('faults are for push subscriptions alone', () => {
  const world = createTestEngine({ faults: { ...all, lostAck: 1, shuffle: 1 } })
  const { take, ack, stats } = world.subscribe({ push: null })
  world.publish('a-1', 'a-2')
  const consumer = { maxMessages: 9, maxBytes: 9999, messages: 0, bytes: 0, wake() {}, end() {} }
  const leases = take(consumer)
  assert.equal(leases.length, 2)
  for (const { ackId } of leases) ack(ackId)
  assert.equal(stats().acked, 2)
  assert.deepEqual(stats().injected, { duplicates: 0, delays: 0, inversions: 0, lostAcks: 0 })
})

test('under any faults every message is acked in the end, and the counts agree', () => {
  const rate = fc.double({ min: 0, max: 0.6, noNaN: true })
  const anyFaults = fc.record({
    seed: fc.nat(),
    duplicate: rate,
    delay: fc.record({ rate, maxMs: fc.integer({ min: 1, max: 5000 }) }),
    shuffle: rate,
    lostAck: rate
  })
  fc.assert(
    fc.property(anyFaults, fc.boolean(), (faults, ordered) => {
      const { stats, deliveries } = run(faults, ordered)
      assert.equal(stats.acked, MESSAGES)
      assert.equal(stats.backlog + stats.outstanding, 0)
      assert.equal(stats.delivered, MESSAGES + stats.injected.duplicates + stats.injected.lostAcks)
      assert.equal(stats.injected.inversions, observedInversions(deliveries))
    }),
    { numRuns: 20 }
  )
})
