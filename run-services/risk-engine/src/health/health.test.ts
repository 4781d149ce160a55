import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decimal, formatFixed, parseDecimal, roundedRatio, sum } from '../decimal.ts'
import { compareScore, healthOf, type Margin } from './health.ts'

type Amounts = Record<string, string>
type Case = {
  id: string
  collateral: Amounts
  borrow: Amounts
  prices: Amounts
  expect: {
    total_collateral_usd: string
    total_borrow_usd: string
    health_score: string | null
    health_score_2dp: string | null
    status: string
    liquidation_price_drop_percent: string | null
    drop_2dp: string | null
  }
}
const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dirname, '../../test-vectors/health.json'), 'utf8'))

const worth = (amounts: Amounts, prices: Amounts): Decimal =>
  sum(Object.entries(amounts).map(([asset, amount]) => parseDecimal(amount).times(prices[asset] ?? Number.NaN)))

for (const { id, collateral, borrow, prices, expect } of cases) {
  test(`the recorded margin ${id}`, () => {
    const margin = { collateral: worth(collateral, prices), borrow: worth(borrow, prices) }
    const health = healthOf(margin)
    assert.equal(health.status, expect.status)
    assert.equal(health.health_score, expect.health_score_2dp === null ? null : Number(expect.health_score_2dp))
    assert.equal(health.liquidation_price_drop_percent, expect.drop_2dp)
    assert.equal(formatFixed(margin.collateral, 8), expect.total_collateral_usd)
    assert.equal(formatFixed(margin.borrow, 8), expect.total_borrow_usd)
    assert.ok(new Decimal(health.total_collateral_usd).eq(margin.collateral))
    if (expect.health_score === null) return
    const score = roundedRatio({
      of: margin.collateral.minus(margin.borrow).times(100),
      to: margin.borrow,
      places: 10
    })
    assert.equal(formatFixed(score, 10), expect.health_score)
  })
}

const margin = (collateral: string, borrow: string): Margin => ({
  collateral: new Decimal(collateral),
  borrow: new Decimal(borrow)
})

for (const [collateral, status] of [
  ['1500', 'HEALTHY'],
  [`1499.${'9'.repeat(100)}`, 'WARNING'],
  ['1300', 'WARNING'],
  [`1299.${'9'.repeat(100)}`, 'MARGIN_CALL'],
  ['1150', 'MARGIN_CALL'],
  [`1149.${'9'.repeat(100)}`, 'LIQUIDATION'],
  ['0', 'LIQUIDATION']
] as const) {
  test(`${collateral.slice(0, 12)} against 1000 is ${status}`, () => {
    assert.equal(healthOf(margin(collateral, '1000')).status, status)
  })
}

test('debt without collateral has a score but no distance to liquidation; neither is healthy', () => {
  const { health_score, status, liquidation_price_drop_percent } = healthOf(margin('0', '5'))
  assert.deepEqual([health_score, status, liquidation_price_drop_percent], [-100, 'LIQUIDATION', null])
  assert.deepEqual(healthOf(margin('0', '0')), {
    health_score: null,
    status: 'HEALTHY',
    total_collateral_usd: '0',
    total_borrow_usd: '0',
    liquidation_price_drop_percent: null
  })
})

const rank = { LIQUIDATION: 0, MARGIN_CALL: 1, WARNING: 2, HEALTHY: 3 } as const
const usd = fc.bigInt(1n, 10n ** 40n).map(cents => new Decimal(String(cents)).div(100))
const factor = fc.integer({ min: 100, max: 100_000 }).map(hundredths => new Decimal(hundredths).div(100))

test('property: more collateral is never worse, more debt never better', () => {
  fc.assert(
    fc.property(usd, usd, usd, (collateral, borrow, more) => {
      const before = healthOf({ collateral, borrow })
      const richer = healthOf({ collateral: collateral.plus(more), borrow })
      const deeper = healthOf({ collateral, borrow: borrow.plus(more) })
      assert.ok(rank[richer.status] >= rank[before.status] && rank[deeper.status] <= rank[before.status])
      const score = Number(before.health_score)
      assert.ok(Number(richer.health_score) >= score && Number(deeper.health_score) <= score)
    })
  )
})

test('property: the same margin in another unit has the same health, and the order of what adds up doesn’t matter', () => {
  fc.assert(
    fc.property(fc.array(usd, { minLength: 1, maxLength: 6 }), usd, factor, (parts, borrow, unit) => {
      const ratios = (given: Margin) => {
        const { health_score, status, liquidation_price_drop_percent } = healthOf(given)
        return { health_score, status, liquidation_price_drop_percent }
      }
      const expected = ratios({ collateral: sum(parts), borrow })
      assert.deepEqual(ratios({ collateral: sum(parts.toReversed()), borrow }), expected)
      assert.deepEqual(ratios({ collateral: sum(parts).times(unit), borrow: borrow.times(unit) }), expected)
    })
  )
})

test('property: a score compares with a line as its exact value does', () => {
  fc.assert(
    fc.property(usd, usd, fc.integer({ min: -100, max: 500 }), (collateral, borrow, line) => {
      const onLine = borrow.times(100 + line).div(100)
      assert.equal(compareScore({ collateral: onLine, borrow }, line), 0)
      assert.equal(compareScore({ collateral: onLine.plus(collateral), borrow }, line), 1)
      assert.equal(compareScore({ collateral: onLine.minus(collateral), borrow }, line), -1)
    })
  )
})
