import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AssetError, assetSymbols, decimalsOf, toBaseUnits, toWholeUnits } from './assets.ts'

const MAX_UINT256 = 2n ** 256n - 1n

const exact = [
  { symbol: 'ETH', baseUnits: 0n, text: '0' },
  { symbol: 'ETH', baseUnits: 1n, text: '0.000000000000000001' },
  { symbol: 'ETH', baseUnits: 1_500_000_000_000_000_000n, text: '1.5' },
  { symbol: 'ETH', baseUnits: 100n * 10n ** 18n, text: '100' },
  { symbol: 'USDC', baseUnits: 3_100_000_000n, text: '3100' },
  { symbol: 'USDC', baseUnits: 1n, text: '0.000001' },
  { symbol: 'BTC', baseUnits: 2_100_000_000_000_000n, text: '21000000' },
  { symbol: 'BTC', baseUnits: 12_345_678n, text: '0.12345678' }
]

for (const { symbol, baseUnits, text } of exact) {
  test(`${baseUnits} base units of ${symbol} are ${text}`, () => {
    assert.equal(toWholeUnits(symbol, baseUnits), text)
    assert.equal(toBaseUnits(symbol, text), baseUnits)
  })
}

test('any amount of any asset survives the way there and back', () => {
  fc.assert(
    fc.property(fc.constantFrom(...assetSymbols), fc.bigInt(0n, MAX_UINT256), (symbol, baseUnits) => {
      assert.equal(toBaseUnits(symbol, toWholeUnits(symbol, baseUnits)), baseUnits)
    })
  )
})

test('zeros behind the last decimal do no harm', () => {
  assert.equal(toBaseUnits('USDC', '1.5000000000'), 1_500_000n)
})

const refused = [
  '',
  ' 1',
  '1 ',
  '+1',
  '-1',
  '01',
  '.5',
  '1.',
  '1e3',
  '0x1',
  '1,5',
  'Infinity',
  'NaN',
  '١',
  '1'.repeat(201)
]
for (const text of refused) {
  test(`"${text.slice(0, 20)}" is not an amount`, () => {
    assert.throws(() => toBaseUnits('ETH', text), { name: 'AssetError', code: 'amount_invalid' })
  })
}

test('an amount between two base units or beyond uint256 is refused, not rounded', () => {
  assert.throws(() => toBaseUnits('USDC', '0.0000001'), { code: 'amount_invalid', message: /at most 6 decimals/ })
  const tooMuch = `${toWholeUnits('BTC', MAX_UINT256).split('.')[0]}9`
  assert.throws(() => toBaseUnits('BTC', tooMuch), { code: 'amount_invalid', message: /2\^256/ })
  assert.throws(() => toWholeUnits('BTC', MAX_UINT256 + 1n), { code: 'amount_invalid' })
  assert.throws(() => toWholeUnits('BTC', -1n), { code: 'amount_invalid' })
})

test('an unknown asset is refused by name', () => {
  assert.equal(decimalsOf('DOGE'), undefined)
  assert.throws(() => toWholeUnits('DOGE', 1n), AssetError)
  assert.throws(() => toBaseUnits('constructor', '1'), { code: 'asset_unknown', message: /use one of BTC, ETH/ })
})
