import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiply, scaled } from './feeds.ts'

for (const [price, factor, product] of [
  ['3941.34', '1', '3941.34'],
  ['3941.34', '1.05', '4138.4070'],
  ['0.000000000000000001', '0.5', '0.0000000000000000005'],
  ['1000000000000000000', '2', '2000000000000000000'],
  ['5', '0', '0']
] as const) {
  test(`${price} x ${factor} is ${product}`, () => {
    assert.equal(multiply(price, factor), product)
  })
}

test('a price is a whole number and an exponent', () => {
  assert.deepEqual(scaled('3941.34'), { mantissa: '394134', expo: -2 })
  assert.deepEqual(scaled('0.01'), { mantissa: '1', expo: -2 })
  assert.deepEqual(scaled('12'), { mantissa: '12', expo: 0 })
})

for (const text of ['', '1e18', '-1', '1.', '.5', '1,5']) {
  test(`"${text}" is no price`, () => {
    assert.throws(() => scaled(text), /give a plain decimal/)
  })
}
