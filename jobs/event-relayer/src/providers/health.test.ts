import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answered, blamed, breaker, failed, type Health, isUsable, newHealth, rateLimited, score } from './health.ts'

const ok = (health: Health, now: number, latencyMs = 100) => answered(health, { now, latencyMs })
const fail = (health: Health, now: number, times = 1): Health =>
  times === 0 ? health : fail(failed(health, now), now, times - 1)
const limit = (health: Health, now: number, retryAfterMs?: number) => rateLimited(health, { now, retryAfterMs })
const MINUTE = 60_000

test('four failures leave the breaker closed, the fifth opens it, an answer between begins anew', () => {
  assert.equal(breaker(fail(newHealth(0), 0, 4), 0), 'closed')
  assert.equal(breaker(fail(newHealth(0), 0, 5), 0), 'open')
  assert.equal(breaker(fail(ok(fail(newHealth(0), 0, 4), 1), 2, 4), 2), 'closed')
})

test('a clock that is set back makes no provider faster than at once', () => {
  const health = ok(ok(newHealth(0), 0, 100), 0, -3_600_000)
  assert.equal(score(health, 0), score(ok(ok(newHealth(0), 0, 100), 0, 0), 0))
})

test('it opens for 5 s, then twice as long each time a probe fails, up to 5 minutes; an answer closes it', () => {
  let health = fail(newHealth(0), 0, 5)
  let now = 0
  const waits: number[] = []
  for (let round = 0; round < 9; round++) {
    waits.push(health.open_until - now)
    assert.equal(breaker(health, health.open_until - 1), 'open')
    now = health.open_until
    assert.equal(breaker(health, now), 'half_open')
    health = fail(health, now)
  }
  assert.deepEqual(
    waits,
    [5, 10, 20, 40, 80, 160, 300, 300, 300].map(seconds => seconds * 1000)
  )
  const closed = ok(health, health.open_until)
  assert.equal(breaker(closed, health.open_until), 'closed')
  assert.equal(fail(closed, health.open_until, 5).open_until, health.open_until + 5000)
})

test('what was under way when the breaker opened neither closes it nor keeps it open longer', () => {
  const open = fail(newHealth(0), 0, 5)
  assert.equal(fail(open, 10, 20).open_until, open.open_until)
  assert.equal(breaker(ok(open, 10), 10), 'open')
})

test('half open it is usable once', () => {
  const half = fail(newHealth(0), 0, 5)
  assert.equal(isUsable(half, 4999), false)
  assert.equal(isUsable(half, 5000), true)
  assert.equal(isUsable({ ...half, probing: true }, 5000), false)
})

test('a wrong answer puts it down at once and weighs for minutes', () => {
  const wrong = blamed(newHealth(0), 0)
  assert.equal(breaker(wrong, 59_999), 'open')
  assert.equal(breaker(wrong, MINUTE), 'half_open')
  const back = ok(wrong, MINUTE)
  assert.equal(breaker(back, MINUTE), 'closed')
  const fresh = ok(newHealth(0), 0)
  assert.ok(score(back, MINUTE) < score(fresh, 0) / 4)
  assert.ok(score(back, 30 * MINUTE) > score(fresh, 0) * 0.95)
})

test('a rate limit lasts as long as the provider says, else from 1 s on twice as long each time', () => {
  assert.equal(limit(newHealth(0), 100, 7000).limited_until, 7100)
  assert.equal(isUsable(limit(newHealth(0), 0, 7000), 6999), false)
  assert.equal(isUsable(limit(newHealth(0), 0, 7000), 7000), true)
  let health = newHealth(0)
  const waits: number[] = []
  for (let round = 0; round < 8; round++) {
    const now = health.limited_until
    health = limit(health, now)
    waits.push(health.limited_until - now)
  }
  assert.deepEqual(
    waits,
    [1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1000)
  )
  assert.equal(limit(ok(health, 200_000), 200_000).limited_until, 201_000)
})

test('calls refused together count as one, and never shorten a wait', () => {
  const once = limit(newHealth(0), 0)
  assert.deepEqual(limit(once, 10), once)
  assert.equal(limit(limit(newHealth(0), 0, 9000), 10, 100).limited_until, 9000)
  assert.equal(breaker(limit(newHealth(0), 0), 0), 'closed')
})

const fresh = ok(newHealth(0), 0)
for (const [what, worse] of [
  ['failures', fail(fresh, 0, 3)],
  ['lag', { ...fresh, head_lag: 5 }],
  ['latency', ok(newHealth(0), 0, 3000)],
  ['a wrong answer', blamed(fresh, 0)]
] as const) {
  test(`${what} lowers the score`, () => assert.ok(score(worse, 0) < score(fresh, 0)))
}

test('failures are forgotten while nothing is called', () => {
  const bad = fail(fresh, 0, 4)
  assert.ok(score(bad, 10 * MINUTE) > score(bad, 0))
  assert.ok(score(bad, 10 * MINUTE) > score(fresh, 0) * 0.99)
})

test('a clock that goes back changes nothing', () => {
  const late = ok(newHealth(1000), 1000)
  assert.equal(score(late, 0), score(late, 1000))
})
