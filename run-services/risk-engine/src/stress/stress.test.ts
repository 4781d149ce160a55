import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decimal } from '../decimal.ts'
import type { Portfolio } from '../portfolio/portfolio.ts'
import { stress } from './stress.ts'

const defaults = { ETH: '0.04', USDC: '0.001' }
const decimals = (values: Record<string, string>) =>
  new Map(Object.entries(values).map(([asset, value]) => [asset, new Decimal(value)]))

const portfolio = (
  values: Partial<Record<'amounts' | 'borrowed' | 'collateral', Record<string, string>>>
): Portfolio => ({
  positions: 1,
  amounts: decimals(values.amounts ?? {}),
  borrowed: decimals(values.borrowed ?? {}),
  collateral: decimals(values.collateral ?? values.amounts ?? {}),
  quotes: decimals({ ETH: '3941.34', USDC: '1' }),
  closes: new Map()
})
const spec = portfolio({ amounts: { ETH: '1' }, borrowed: { USDC: '3100' } })

test('the usual shocks: the market falls, or stablecoins do, and each scenario is told whole', () => {
  const { current, scenarios, unpriceable } = stress(spec, { shocks: undefined, defaults })
  assert.deepEqual(unpriceable, [])
  assert.deepEqual(current, {
    name: 'current',
    total_value_usd: '3941.34',
    health_score: 27.14,
    status: 'MARGIN_CALL',
    total_collateral_usd: '3941.34',
    total_borrow_usd: '3100',
    liquidation_price_drop_percent: '9.55',
    risk_score: 0.7927088249,
    risk_level: 'high'
  })
  const told = scenarios.map(one => [one.name, one.total_value_usd, one.total_borrow_usd, one.health_score, one.status])
  assert.deepEqual(told, [
    ['market_down_10', '3547.206', '3100', 14.43, 'LIQUIDATION'],
    ['market_down_30', '2758.938', '3100', -11, 'LIQUIDATION'],
    ['market_down_50', '1970.67', '3100', -36.43, 'LIQUIDATION'],
    ['stablecoin_depeg', '3941.34', '2728', 44.48, 'WARNING']
  ])
})

test('only what is pledged counts for the margin, whatever is in escrows', () => {
  const given = portfolio({ amounts: { ETH: '9' }, borrowed: { USDC: '1000' }, collateral: { USDC: '1200' } })
  const shocks = [{ name: 'ETH is worth nothing', prices: decimals({ ETH: '-1' }) }]
  const { current, scenarios } = stress(given, { shocks, defaults })
  const [worst] = scenarios
  assert.deepEqual([current?.health_score, worst?.health_score, worst?.status], [20, 20, 'MARGIN_CALL'])
  assert.deepEqual([worst?.total_value_usd, worst?.risk_score, worst?.risk_level], ['0', 0.6, 'medium'])
})

test('a missing price of anything leaves no figures', () => {
  for (const part of ['amounts', 'borrowed', 'collateral']) {
    const given = portfolio({ [part]: { YFI: '1' } })
    assert.deepEqual(stress(given, { shocks: undefined, defaults }), {
      current: null,
      scenarios: [],
      unpriceable: ['YFI']
    })
  }
})

test('property: the deeper the fall, the worse the health and the score', () => {
  const fall = fc.integer({ min: 0, max: 100 })
  fc.assert(
    fc.property(fall, fall, (one, other) => {
      const shocks = [Math.min(one, other), Math.max(one, other)].map(percent => ({
        name: `-${percent} %`,
        prices: new Map([['ETH', new Decimal(-percent).div(100)]])
      }))
      const [better, worse] = stress(spec, { shocks, defaults }).scenarios
      assert.ok(better && worse)
      assert.ok(Number(better.health_score) >= Number(worse.health_score))
      if (worse.total_value_usd !== '0') assert.ok(better.risk_score <= worse.risk_score)
    })
  )
})
