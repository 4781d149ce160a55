import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decimal, formatDecimal } from '../decimal.ts'
import { marginAvailable, scoreOf } from './score.ts'

type Case = {
  id: string
  positions_usd: string[]
  borrow_usd: string
  sigma_day: string
  expect: { hhi: string; risk_score: string; risk_level: string }
}
const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dirname, '../../test-vectors/score.json'), 'utf8'))

const score = (values: readonly string[], { borrow = '0', deviation = '0.04' } = {}) =>
  scoreOf({
    values: values.map(value => new Decimal(value)),
    borrow: new Decimal(borrow),
    deviation: new Decimal(deviation)
  })

for (const { id, positions_usd, borrow_usd, sigma_day, expect } of cases) {
  test(`the recorded portfolio ${id}`, () => {
    const { risk_score, risk_level, hhi } = score(positions_usd, { borrow: borrow_usd, deviation: sigma_day })
    assert.deepEqual({ hhi: Number(hhi).toFixed(10), risk_score: risk_score.toFixed(10), risk_level }, expect)
  })
}

test('1.5 ETH without debt that moves 4 % a day: 0.25, low', () => {
  assert.deepEqual(score(['5912.01']), { risk_score: 0.25, risk_level: 'low', hhi: '1' })
})

for (const [deviation, risk_level] of [
  [`0.05${'9'.repeat(60)}`, 'low'],
  ['0.06', 'medium']
] as const) {
  test(`a deviation of ${deviation.slice(0, 8)} is ${risk_level}, though both round to 0.3`, () => {
    const { risk_score, ...rest } = score(['100'], { deviation })
    assert.deepEqual([risk_score, rest.risk_level], [0.3, risk_level])
  })
}

test('a debt without worth counts in full; nothing at all is no risk', () => {
  assert.deepEqual(score([], { borrow: '1', deviation: '0' }), {
    risk_score: 0.6,
    risk_level: 'medium',
    hhi: '0'
  })
  assert.deepEqual(score(['0'], { deviation: '0' }), { risk_score: 0, risk_level: 'low', hhi: '0' })
})

for (const [worth, borrow, left] of [
  ['3941.34', '3100', '327.25217391'],
  ['115', '100', '0'],
  ['1', '100', '0'],
  ['11.5', '0', '10']
] as const) {
  test(`${worth} against ${borrow} leaves ${left}`, () => {
    const available = marginAvailable({ worth: new Decimal(worth), borrow: new Decimal(borrow) })
    assert.equal(formatDecimal(available), left)
  })
}

const usd = fc.bigInt(0n, 10n ** 80n).map(cents => new Decimal(String(cents)).div(100))
const deviation = fc.integer({ min: 0, max: 3_000 }).map(share => new Decimal(share).div(10_000))
const rank = { low: 0, medium: 1, high: 2, critical: 3 } as const

test('property: a score is 0 to 1, no debt or deviation makes it better, and order and unit don’t matter', () => {
  fc.assert(
    fc.property(fc.array(usd, { maxLength: 6 }), usd, usd, deviation, (values, borrow, more, moves) => {
      const exposure = { values, borrow, deviation: moves }
      const before = scoreOf(exposure)
      assert.ok(before.risk_score >= 0 && before.risk_score <= 1)
      for (const worse of [
        scoreOf({ ...exposure, borrow: borrow.plus(more) }),
        scoreOf({ ...exposure, deviation: moves.plus('0.01') })
      ]) {
        assert.ok(worse.risk_score >= before.risk_score)
        assert.ok(rank[worse.risk_level] >= rank[before.risk_level])
      }
      assert.deepEqual(scoreOf({ ...exposure, values: values.toReversed() }), before)
      const cents = { ...exposure, values: values.map(value => value.times(100)), borrow: borrow.times(100) }
      assert.deepEqual(scoreOf(cents), before)
    })
  )
})
