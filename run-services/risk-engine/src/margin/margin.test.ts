import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PriceUpdated } from '@fusion-prime/events'
import { priceOf } from '@fusion-prime/prices'
import fc from 'fast-check'
import { assetsOf, evaluateMargin, quotesOf } from './margin.ts'

const now = new Date('2026-01-31T12:00:00Z')
const priced = (prices: Record<string, string>, seconds = 0) =>
  Object.entries(prices).map(([asset_symbol, price_usd]) => {
    const observed_at = new Date(now.getTime() - seconds * 1_000)
    const valid_until = new Date(observed_at.getTime() + 3_600_000)
    return { ...priceOf(PriceUpdated.example), asset_symbol, price_usd, observed_at, valid_until }
  })
const quotes = (prices: Record<string, string>, seconds = 0) =>
  quotesOf(priced(prices, seconds), { now, maxAgeSeconds: 90 })

test('1 ETH at 3941.34 against 3100 USDC: 27.14, MARGIN_CALL, 9.55', () => {
  const holder = { collateral: { ETH: '1' }, borrow: { USDC: '3100' } }
  const { margin: _, ...health } = { margin: null, ...evaluateMargin(holder, quotes({ ETH: '3941.34', USDC: '1' })) }
  assert.deepEqual(health, {
    health_score: 27.14,
    status: 'MARGIN_CALL',
    total_collateral_usd: '3941.34',
    total_borrow_usd: '3100',
    liquidation_price_drop_percent: '9.55'
  })
})

const away: [what: string, prices: Record<string, string>, seconds: number, unpriceable: string[]][] = [
  ['a missing price', { ETH: '3941.34' }, 0, ['USDC']],
  ['no price at all', {}, 0, ['ETH', 'USDC']],
  ['stale prices', { ETH: '3941.34', USDC: '1' }, 91, ['ETH', 'USDC']]
]
for (const [what, prices, seconds, unpriceable] of away) {
  test(`${what}: UNPRICEABLE, naming ${unpriceable}`, () => {
    const holder = { collateral: { ETH: '1' }, borrow: { USDC: '3100' } }
    assert.deepEqual(evaluateMargin(holder, quotes(prices, seconds)), { status: 'UNPRICEABLE', unpriceable })
  })
}

test('the whole is the sum of its parts, whatever their order and their side', () => {
  const symbols = ['ETH', 'BTC', 'USDC', 'LINK']
  const amount = fc.bigInt({ min: 1n, max: 10n ** 60n }).map(units => `${units}`)
  const holdings = fc.dictionary(fc.constantFrom(...symbols), amount)
  const prices = quotes({ ETH: '3.000000000000000001', BTC: '7', USDC: '0.999999', LINK: '1000000000000000000' })
  fc.assert(
    fc.property(holdings, holdings, (collateral, borrow) => {
      const whole = evaluateMargin({ collateral, borrow }, prices)
      const reversed = Object.fromEntries(Object.entries(collateral).reverse())
      assert.deepEqual(evaluateMargin({ collateral: reversed, borrow }, prices), whole)
      const turned = evaluateMargin({ collateral: borrow, borrow: collateral }, prices)
      if (whole.status === 'UNPRICEABLE' || turned.status === 'UNPRICEABLE') return assert.fail('all have prices')
      assert.equal(turned.total_borrow_usd, whole.total_collateral_usd)
      assert.deepEqual(assetsOf({ collateral, borrow }), assetsOf({ collateral: borrow, borrow: collateral }))
    })
  )
})
