import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decimal, formatDecimal, formatFixed, parseAmount, parseDecimal, roundedRatio, sum } from './decimal.ts'

const refused = { name: 'HttpProblem', status: 400 }

for (const [given, text] of [
  ['1.50', '1.5'],
  ['0.000000000000000001', '0.000000000000000001'],
  [`${'9'.repeat(78)}.${'9'.repeat(36)}`, `${'9'.repeat(78)}.${'9'.repeat(36)}`],
  ['1000000000000000000000000', '1000000000000000000000000'],
  [0.1, '0.1'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1e21, '1000000000000000000000'],
  [1e-7, '0.0000001'],
  [-0, '0'],
  ['0.0', '0']
] as const) {
  test(`the amount ${typeof given} ${given} is ${text}`, () => assert.equal(formatDecimal(parseAmount(given)), text))
}

for (const given of [
  '-1',
  -1,
  '',
  '1.',
  '.5',
  ' 1',
  '0x10',
  'NaN',
  Number.NaN,
  Infinity,
  1e300,
  1e-300,
  `1${'0'.repeat(78)}`
]) {
  test(`${typeof given} ${String(given).slice(0, 20)} is no amount`, () =>
    assert.throws(() => parseAmount(given), refused))
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^[1-9][0-9]{0,${length - 1}}$`))
const decimal = (whole: number, places: number) =>
  fc.tuple(digits(whole), digits(places)).map(([before, after]) => `${before}.${after}`)

/** A decimal text as an integer, scaled by 10^places. */
const scaled = (text: string, places: number): bigint => {
  const [before = '', after = ''] = text.split('.')
  return BigInt(before + after.padEnd(places, '0'))
}

test('sums and products of the largest amounts and prices are exact', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(decimal(78, 36), decimal(60, 36)), { minLength: 1, maxLength: 5 }), pairs => {
      const total = sum(pairs.map(([amount, price]) => parseDecimal(amount).times(price)))
      const expected = pairs.reduce((all, [amount, price]) => all + scaled(amount, 36) * scaled(price, 36), 0n)
      assert.equal(total.times(new Decimal(10).pow(72)).toFixed(), String(expected))
      const squared = total.times(total).times(new Decimal(10).pow(144))
      assert.equal(squared.toFixed(), String(expected * expected))
    }),
    { numRuns: 200 }
  )
})

test('a quotient is rounded half-up from its exact value, whatever its size', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 210n), 10n ** 210n), fc.bigInt(1n, 10n ** 210n), (of, to) => {
      const size = of < 0n ? -of : of
      const hundredths = (200n * size + to) / (2n * to)
      const rounded = roundedRatio({ of: new Decimal(String(of)), to: new Decimal(String(to)), places: 2 })
      assert.equal(rounded.times(100).toFixed(), String(of < 0n && hundredths > 0n ? -hundredths : hundredths))
    }),
    { numRuns: 300 }
  )
})

for (const [of, to, text] of [
  ['1', '8', '0.13'],
  ['-1', '8', '-0.13'],
  ['1', '-8', '-0.13'],
  ['0.12499999999999999999999999999999999999999999999999999', '1', '0.12'],
  ['-0.0000001', '1', '0.00'],
  ['0', '5', '0.00']
] as const) {
  test(`${of} / ${to} is ${text} to two places`, () => {
    const rounded = roundedRatio({ of: new Decimal(of), to: new Decimal(to), places: 2 })
    assert.equal(formatFixed(rounded, 2), text)
    assert.ok(!Object.is(rounded.toNumber(), -0))
  })
}
