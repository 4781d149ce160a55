import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAgenda } from './agenda.ts'
import { createQueue } from './queue.ts'
import { createManualClock } from './testing/support.ts'
import { createTokens } from './tokens.ts'

test('the queue behaves as an array does', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), items: fc.array(fc.nat(), { maxLength: 3 }) }),
    fc.record({ do: fc.constant('putBack' as const), items: fc.array(fc.nat(), { maxLength: 3 }) }),
    fc.record({ do: fc.constant('shift' as const), items: fc.constant([]) })
  )
  fc.assert(
    fc.property(fc.array(step), steps => {
      const queue = createQueue<number>()
      const model: number[] = []
      for (const { do: action, items } of steps) {
        if (action === 'push') {
          for (const item of items) queue.push(item)
          model.push(...items)
        } else if (action === 'putBack') {
          queue.putBack(items)
          model.unshift(...items)
        } else assert.equal(queue.shift(), model.shift())
        assert.equal(queue.length, model.length)
      }
    })
  )
})

test('the agenda runs everything at its time, in the order it was asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 50 })), delays => {
      const clock = createManualClock(0)
      const agenda = createAgenda(clock)
      const ran: { delay: number; index: number; at: number }[] = []
      for (const [index, delay] of delays.entries()) {
        agenda.at(delay, () => ran.push({ delay, index, at: clock.now() }))
      }
      clock.advance(50)
      const expected = delays.map((delay, index) => ({ delay, index, at: delay }))
      assert.deepEqual(
        ran,
        expected.sort((a, b) => a.delay - b.delay || a.index - b.index)
      )
    })
  )
})

test('the agenda waits for longer than a timer can, and for nothing once closed', () => {
  const clock = createManualClock(0)
  const agenda = createAgenda(clock)
  const month = 31 * 86_400_000
  let ran = 0
  agenda.at(month, () => ran++)
  clock.advance(month - 1)
  assert.equal(ran, 0)
  clock.advance(1)
  assert.equal(ran, 1)
  agenda.at(month + 1, () => ran++)
  agenda.close()
  clock.advance(10)
  assert.equal(ran, 1)
})

test('a token serves until half its life, per audience and email, and is minted once at a time', async () => {
  const clock = createManualClock()
  let minted = 0
  const tokens = createTokens(async ({ audience, email }) => {
    minted++
    const claims = { audience, email, minted, exp: clock.now() / 1000 + 3600 }
    return `header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`
  }, clock)
  const claims = { audience: 'a', email: 'e' }
  const [first, second] = await Promise.all([tokens(claims), tokens(claims)])
  assert.equal(first, second)
  clock.advance(1_799_000)
  assert.equal(tokens(claims), first)
  assert.notEqual(await tokens({ ...claims, audience: 'b' }), first)
  clock.advance(2000)
  assert.notEqual(await tokens(claims), first)
  assert.equal(minted, 3)
})

test('a token that can’t be minted is asked for again', async () => {
  let asked = 0
  const tokens = createTokens(async () => {
    if (asked++ === 0) throw new Error('the issuer is away')
    return 'opaque'
  }, createManualClock())
  const claims = { audience: 'a', email: 'e' }
  await assert.rejects(async () => tokens(claims), /the issuer is away/)
  assert.equal(await tokens(claims), 'opaque')
})
