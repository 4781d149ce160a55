import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Approximate, Decimal, sum } from '../decimal.ts'
import { normalQuantile } from './normal.ts'
import { portfolioReturns, sharesOf } from './returns.ts'
import { historicalLoss, parametricLoss, tailOf } from './value-at-risk.ts'
import { deviationOf, sampleDeviation } from './volatility.ts'

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../test-vectors/${name}.json`), 'utf8'))
const decimals = (values: readonly (number | string)[]) => values.map(value => new Decimal(value))
const isNear = (value: Decimal, expected: Decimal | number | string, tolerance: number) =>
  assert.ok(value.minus(expected).abs().lte(tolerance), `${value.toFixed(20)} isn't near ${expected}`)

const series = vectors<Record<string, number[]>>('var-series')
type Case = { id: string; returns: number[] | string; cutoff: number; var: number; cvar: number }
for (const { id, returns, cutoff, ...expected } of vectors<Case[]>('var-cases')) {
  test(`the recorded tail ${id}`, () => {
    const values = typeof returns === 'string' ? series[returns] : returns
    const tail = tailOf(decimals(values ?? []), new Decimal(cutoff))
    isNear(tail.var, expected.var, 1e-12)
    isNear(tail.cvar, expected.cvar, 1e-12)
  })
}

// As Wichura's algorithm AS 241 gives them in doubles.
for (const [probability, expected] of [
  ['0.5', '0'],
  ['0.95', '1.6448536269514722'],
  ['0.975', '1.959963984540054'],
  ['0.99', '2.3263478740408408'],
  ['0.9999', '3.71901648545568']
] as const) {
  test(`${probability} of a normal distribution lies below ${expected}`, () =>
    isNear(normalQuantile(new Decimal(probability)), expected, 1e-12))
}

test('a normal loss at 99 %: 2.3263 deviations, 2.6652 on average beyond; four days double it', () => {
  const confidence = new Decimal('0.99')
  const day = parametricLoss(new Decimal('0.04'), { confidence, days: 1 })
  isNear(day.var, '0.0930539149616336', 1e-12)
  isNear(day.cvar, '0.1066085688150', 1e-9)
  const days = parametricLoss(new Decimal('0.04'), { confidence, days: 4 })
  isNear(days.var, day.var.times(2), 1e-20)
  assert.equal(parametricLoss(new Decimal('0.9'), { confidence, days: 9 }).var.toNumber(), 1)
})

test('the sample deviation divides by n - 1', () => {
  isNear(sampleDeviation(decimals([2, 4, 4, 4, 5, 5, 7, 9])), '2.138089935299395', 1e-14)
  assert.equal(sampleDeviation(decimals([0.01, 0.01, 0.01])).toNumber(), 0)
})

const usd = (values: Record<string, string>) =>
  new Map(Object.entries(values).map(([asset, value]) => [asset, new Decimal(value)]))

/** One close a day, by asset; '' is a day without. */
const closesOf = (closes: Record<string, readonly string[]>) =>
  new Map(
    Object.entries(closes).map(([asset, all]) => [
      asset,
      new Map(all.map((close, day) => [`day ${day}`, close] as const).filter(([, close]) => close !== ''))
    ])
  )

test('returns are weighted by worth, over the days that all assets have', () => {
  const closes = closesOf({ ETH: ['1', '100', '110', '7', '99'], USDC: ['', '1', '1', '', '1'] })
  const returns = portfolioReturns(sharesOf(usd({ ETH: '300', USDC: '100' })), { closes, kind: 'simple' })
  assert.deepEqual(
    returns.map(change => change.toNumber()),
    [0.075, -0.075]
  )
  assert.deepEqual(portfolioReturns(sharesOf(usd({ ETH: '1', YFI: '1' })), { closes, kind: 'log' }), [])
})

const defaults = { ETH: '0.04', USDC: '0.001' }
for (const [what, { values, closes, expected }] of Object.entries({
  'one asset without closes has its default': { values: { ETH: '5' }, closes: {}, expected: '0.04' },
  'two closes are not enough': { values: { ETH: '5' }, closes: { ETH: ['1', '2'] }, expected: '0.04' },
  'an asset that isn’t listed is as bad as any': { values: { SHIB: '5' }, closes: {}, expected: '0.1' },
  'defaults add up by share': { values: { ETH: '1', USDC: '3' }, closes: {}, expected: '0.01075' },
  'three closes are a deviation': {
    values: { ETH: '5' },
    closes: { ETH: ['1', '2', '1'] },
    expected: '0.980258143468547'
  },
  'who has closes and who has not add up': {
    values: { ETH: '5', USDC: '5' },
    closes: { ETH: ['1', '2', '1'] },
    expected: '0.4906290717342737'
  },
  'without common days everything has its default': {
    values: { ETH: '5', USDC: '5' },
    closes: { ETH: ['1', '2', '1'], USDC: ['', '', '', '1', '2', '1'] },
    expected: '0.0205'
  },
  'a day that only one has changes nothing yet': {
    values: { ETH: '5', USDC: '5' },
    closes: { ETH: ['1', '2', '1', '9'], USDC: ['1', '2', '1'] },
    expected: '0.980258143468547'
  },
  'what is worth nothing counts for nothing': { values: { ETH: '5', SHIB: '0' }, closes: {}, expected: '0.04' },
  'nothing doesn’t move': { values: {}, closes: {}, expected: '0' }
})) {
  test(what, () => {
    const deviation = deviationOf(usd(values), { closes: closesOf(closes), defaults })
    isNear(deviation, expected, 1e-14)
  })
}

test('opposite moves cancel out in a portfolio', () => {
  const closes = closesOf({ ETH: ['1', '2', '1', '2'], BTC: ['2', '1', '2', '1'] })
  isNear(deviationOf(usd({ ETH: '5', BTC: '5' }), { closes, defaults }), 0, 1e-25)
})

const returns = fc.array(fc.integer({ min: -9_999, max: 9_999 }), { minLength: 10, maxLength: 60 })
const confidence = fc.integer({ min: 5_000, max: 9_999 }).map(share => new Decimal(share).div(10_000))

test('property: the loss grows with the confidence, and what lies beyond it is worse, however it is made', () => {
  fc.assert(
    fc.property(returns, confidence, confidence, fc.integer({ min: 1, max: 9 }), (given, one, other, days) => {
      const changes = decimals(given).map(change => change.div(100_000))
      const [lower, higher] = [Decimal.min(one, other), Decimal.max(one, other)]
      for (const loss of [
        (level: Decimal) => historicalLoss(changes, { confidence: level, days }),
        (level: Decimal) => parametricLoss(sampleDeviation(changes), { confidence: level, days })
      ]) {
        assert.ok(loss(higher).var.gte(loss(lower).var))
        for (const level of [lower, higher]) assert.ok(loss(level).cvar.gte(loss(level).var))
      }
    }),
    { numRuns: 60 }
  )
})

test('property: shares add up to 1 and don’t depend on the unit', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1, maxLength: 6 }), amounts => {
      const values = new Map(amounts.map((amount, index) => [`A${index}`, new Decimal(amount)]))
      const shares = sharesOf(values)
      isNear(sum([...shares.values()]), 1, 1e-28)
      const larger = sharesOf(new Map([...values].map(([asset, value]) => [asset, value.times(1_000)])))
      assert.deepEqual([...larger], [...shares])
    })
  )
})

test('no returns have no tail', () => {
  assert.throws(() => tailOf([], new Approximate('0.01')), RangeError)
})
