import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createMarginFixture, type MarginFixture } from './testing.ts'

let margin: MarginFixture
before(async () => {
  margin = await createMarginFixture()
})
beforeEach(() => margin.reset())
after(() => margin?.close())

test('a price and a beginning watch at once, at two instances: the watch ends up at the newest price, the alert is given once', async () => {
  for (let round = 0; round < 12; round += 1) {
    const user = `race-${round}`
    await margin.price({ ETH: '160', USDC: '1' })
    margin.parts.sent.length = 0
    await Promise.all([
      margin.app.inject(margin.pushOf('ETH', '120')),
      margin.other.inject(
        margin.evaluation({ user_id: user, collateral_positions: { ETH: 1 }, borrow_positions: { USDC: 100 } })
      )
    ])
    const [row] = await margin.parts.sql`select status, health_score from margin_watches where user_id = ${user}`
    assert.deepEqual({ ...row }, { status: 'MARGIN_CALL', health_score: '20' })
    assert.equal(margin.alerts().filter(alert => alert.user_id === user).length, 1)
  }
})

test('two prices at once, at two instances: nobody is left at an old one, nothing is told twice', async () => {
  const users = Array.from({ length: 20 }, (_, index) => `both-${index}`)
  await margin.price({ ETH: '80', BTC: '80', USDC: '1' })
  for (const user_id of users)
    await margin.evaluate({ user_id, collateral_positions: { ETH: 1, BTC: 1 }, borrow_positions: { USDC: 100 } })
  for (let round = 0; round < 5; round += 1) {
    margin.parts.sent.length = 0
    await margin.price({ ETH: '80', BTC: '80' })
    margin.parts.sent.length = 0
    const pushes = ['ETH', 'BTC'].flatMap(asset => [margin.pushOf(asset, '70'), margin.pushOf(asset, '60')])
    await Promise.all(pushes.map((push, index) => (index < 2 ? margin.app : margin.other).inject(push)))
    const rows = await margin.parts.sql`select distinct health_score, status from margin_watches`
    assert.deepEqual(
      [...rows].map(row => ({ ...row })),
      [{ health_score: '20', status: 'MARGIN_CALL' }]
    )
    const calls = margin.alerts().filter(alert => alert.event_type === 'margin_call')
    assert.deepEqual(calls.map(alert => alert.user_id).sort(), [...users].sort())
  }
})
