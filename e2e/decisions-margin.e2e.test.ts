import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { subscriptions } from '@fusion-prime/events'
import type { AnswerOf, assessPortfolio } from '@fusion-prime/operations'
import fc from 'fast-check'
import { createWorld, type Margin, priceOf, someone, type World } from './decisions.ts'

/* Margins by pushed prices and alerts by the topic: real HTTP, tokens, Postgres and Pub/Sub API. */

let world: World
before(async () => {
  world = await createWorld()
  await world.start('risk-engine')
})
after(() => world?.close())

beforeEach(() => world.price({ ETH: '3941.34', USDC: '1' }))

const marginOf = (user_id: string) => world.ask<Margin>('risk-engine', `/api/v1/margin/health/${user_id}`)

test('1 ETH at 3941.34 against 3100 USDC: 27.14, MARGIN_CALL, 9.55', async () => {
  const health = await world.evaluate(someone(), { collateral: { ETH: '1' }, borrow: { USDC: '3100' } })
  assert.deepEqual(
    [health.health_score, health.status, health.liquidation_price_drop_percent],
    [27.14, 'MARGIN_CALL', '9.55']
  )
})

test('a price that never came: UNPRICEABLE, and nobody is alerted', async () => {
  const user = someone()
  const { status, health_score, unpriceable } = await world.evaluate(user, {
    collateral: { YFI: '1' },
    borrow: { USDC: '3100' }
  })
  assert.deepEqual([status, health_score, unpriceable], ['UNPRICEABLE', null, ['YFI']])
  assert.deepEqual(await world.alertsOf(user), [])
})

test('a stale price at which all would be lost: UNPRICEABLE, and nobody is alerted', async () => {
  const user = someone()
  await world.price({ LINK: '20' })
  const holdings = { collateral: { LINK: '100' }, borrow: { USDC: '1000' } }
  assert.equal((await world.evaluate(user, holdings)).status, 'HEALTHY')
  await world.push(subscriptions['risk-engine-prices-consumer'], priceOf('LINK', '0.01', { age: 120 }))
  for (const { status, unpriceable } of [await marginOf(user), await world.evaluate(user, holdings)])
    assert.deepEqual([status, unpriceable], ['UNPRICEABLE', ['LINK']])
  assert.deepEqual(await world.alertsOf(user), [])
  // The same price, fresh, is told of: the silence above is about its age.
  await world.price({ LINK: '0.01' })
  assert.deepEqual(await world.alertsOf(user), ['liquidation_imminent'])
})

/** With 1 ETH and 100 USDC of debt the score is the price of ETH less 100. */
async function scores(...path: number[]): Promise<string> {
  const user = someone()
  const [first = '', ...others] = path.map(score => String(100 + score))
  await world.price({ ETH: first })
  await world.evaluate(user, { collateral: { ETH: '1' }, borrow: { USDC: '100' } })
  for (const ETH of others) await world.price({ ETH })
  return user
}

test('a fall through 50, 30 and 15 gives three alerts', async () => {
  const user = await scores(80, 60, 50, 49, 40, 30, 29, 20, 15, 14, 5)
  assert.deepEqual(await world.alertsOf(user), ['margin_warning', 'margin_call', 'liquidation_imminent'])
})

test('to and fro around a threshold gives one alert', async () => {
  const user = await scores(60, 29, 31, 29, 30, 29.5, 31.9, 28)
  assert.deepEqual(await world.alertsOf(user), ['margin_call'])
})

test('prices in any order end at the newest', async t => {
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const user = await scores(60)
  for (let round = 0; round < 5; round += 1) {
    const messages = [190, 130, 110, 160, 145, 180, 120, 140 + round].map(usd => priceOf('ETH', String(usd)))
    const anyOrder = fc.shuffledSubarray(messages, { minLength: messages.length })
    const [shuffled = []] = fc.sample(anyOrder, { seed: seed + round, numRuns: 1 })
    for (const message of shuffled) await world.push(subscriptions['risk-engine-prices-consumer'], message)
    const { health_score, prices } = await marginOf(user)
    const eth = prices.find(price => price.asset_symbol === 'ETH')
    assert.deepEqual([eth?.price_usd, health_score], [String(140 + round), 40 + round], `seed ${seed}`)
  }
})

test('1.5 ETH unlevered at 4 % a day: 0.25, low', async () => {
  const { risk_score, risk_level } = await world.ask<AnswerOf<typeof assessPortfolio>>(
    'risk-engine',
    '/risk/portfolio',
    { user_id: someone(), positions: [{ asset: 'ETH', amount: '1.5' }] }
  )
  assert.deepEqual([risk_score, risk_level], [0.25, 'low'])
})
