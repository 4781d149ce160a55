import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import vectors from '../test-vectors/aggregation.json' with { type: 'json' }
import { type Agreement, aggregate } from './aggregate.ts'
import { type AssetState, decide } from './decide.ts'
import { Decimal, median } from './decimal.ts'
import { ageFault } from './reading.ts'

type Case = {
  id: string
  previous?: { price: string; age_s: number; held?: string }
  max_age_s: number
  deviation_pct: string
  sources: { source: string; price: string; age_s: number }[]
  expect: { publish: { price: string; used: number; excluded?: string[] } | null; hold?: string }
}

const NOW = 1_763_712_000_000
/** A round every 30 s: what was held was held one round ago. */
const HELD_AT = NOW - 30_000
const jump = { percent: 10, windowSeconds: 30, confirmAfterMs: 15_000 }

const cases: Case[] = vectors
for (const { id, previous, max_age_s, deviation_pct, sources, expect } of cases) {
  test(`aggregation ${id}`, () => {
    const sourced = sources.map(({ source, price, age_s }) => {
      const refused = ageFault({ observedAt: NOW - age_s * 1000, now: NOW, maxAgeSeconds: max_age_s })
      return { source, reading: refused ? { refused } : { price: new Decimal(price) } }
    })
    const agreement = aggregate(sourced, { deviationPercent: Number(deviation_pct), minSources: 3 })
    if (!('price' in agreement)) return assert.equal(expect.publish, null)

    const state: AssetState = {
      sequence: 1,
      last: previous && { price: new Decimal(previous.price), at: NOW - previous.age_s * 1000 },
      held: previous?.held === undefined ? undefined : { price: new Decimal(previous.held), at: HELD_AT }
    }
    const decision = decide(state, { price: agreement.price, at: NOW }, jump)
    assert.equal(decision.outcome, expect.publish ? 'publish' : 'hold')
    if (!expect.publish) return assert.equal(expect.hold, 'jump')
    assert.equal(agreement.price.toFixed(), new Decimal(expect.publish.price).toFixed())
    assert.equal(agreement.used.length, expect.publish.used)
    assert.deepEqual(
      agreement.excluded.map(({ source }) => source),
      expect.publish.excluded ?? []
    )
  })
}

const price = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 40n }), fc.integer({ min: -36, max: 0 }))
  .map(([mantissa, expo]) => new Decimal(mantissa.toString()).times(new Decimal(10).pow(expo)))
/** Prices within a few percent of each other, and some far off. */
const market = fc
  .tuple(price, fc.array(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 12 }))
  .map(([middle, permilles]) => permilles.map(permille => middle.times(1000 + permille).div(1000)))

const sourcesOf = (prices: readonly Decimal[]) =>
  prices.map((price, index) => ({ source: `s${index}`, reading: { price } }))
const rule = { deviationPercent: 2, minSources: 3 }
const priceOf = (agreement: Agreement) => ('price' in agreement ? agreement.price.toFixed() : agreement.nothing)

test('what is agreed lies between the least and the greatest, and within the cut of the median of all', () => {
  fc.assert(
    fc.property(market, prices => {
      const agreement = aggregate(sourcesOf(prices), rule)
      if (!('price' in agreement)) return
      const middle = median(prices)
      assert.ok(agreement.price.gte(Decimal.min(...prices)) && agreement.price.lte(Decimal.max(...prices)))
      assert.ok(agreement.price.minus(middle).abs().times(100).lte(middle.times(2)))
      assert.ok(agreement.used.length >= 3)
    })
  )
})

test('the order of the sources doesn’t matter', () => {
  const shuffled = market.chain(prices =>
    fc.tuple(fc.constant(prices), fc.shuffledSubarray(prices, { minLength: prices.length }))
  )
  fc.assert(
    fc.property(shuffled, ([prices, mixed]) => {
      assert.equal(priceOf(aggregate(sourcesOf(prices), rule)), priceOf(aggregate(sourcesOf(mixed), rule)))
    })
  )
})

test('fewer than half of the sources, lying as they like, can’t move the price past the honest ones', () => {
  fc.assert(
    fc.property(fc.array(price, { maxLength: 3 }), price, (lies, honest) => {
      const truth = [0, 1, 2, 3].map(step => honest.times(1000 + step).div(1000))
      const agreement = aggregate(sourcesOf([...lies, ...truth]), rule)
      assert.ok('price' in agreement)
      assert.ok(agreement.price.gte(honest.times('0.97')) && agreement.price.lte(honest.times('1.04')))
    })
  )
})

test('exactly 2 % off stays, a hair more is cut', () => {
  const usedWith = (text: string) =>
    aggregate(sourcesOf(['100', '100', '100', text].map(one => new Decimal(one))), rule).used
  assert.equal(usedWith('102').length, 4)
  assert.equal(usedWith('102.000000000000000001').length, 3)
  assert.equal(usedWith('98').length, 4)
  assert.equal(usedWith('97.999999999999999999').length, 3)
})

test('every source is used or excluded with a reason', () => {
  const mixed = [
    ...sourcesOf(['100', '100.5', '101', '150'].map(text => new Decimal(text))),
    { source: 'old', reading: { refused: 'stale' as const } }
  ]
  const { used, excluded } = aggregate(mixed, rule)
  assert.deepEqual(used, ['s0', 's1', 's2'])
  assert.deepEqual(excluded, [
    { source: 'old', reason: 'stale' },
    { source: 's3', reason: 'deviation' }
  ])
})
