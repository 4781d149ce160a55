import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agree } from './agree.ts'
import { Decimal } from './decimal.ts'
import type { Reading } from './reading.ts'
import type { Source } from './sources/source.ts'

const from = (kind: 'kraken' | 'coinbase' | 'bitstamp' | 'binance', price: string, quote = 'USD') => ({
  source: { kind, pair: 'X', quote } satisfies Source,
  reading: { price: new Decimal(price) } as Reading
})

/** ETH from two exchanges in USD and one in USDT, with what is known of USDT. */
function ethWith(tether: ReturnType<typeof from>[]) {
  const eth = [from('kraken', '4000'), from('coinbase', '4004'), from('binance', '4040', 'USDT')]
  const rule = { deviationPercent: 2, minSources: 3 }
  const read = new Map([
    ['ETH', eth],
    ['USDT', tether]
  ])
  return agree({ assets: ['ETH'], read }, rule).get('ETH')
}

test('what is quoted in a stablecoin is converted with that coin’s price in dollars', () => {
  const agreement = ethWith([from('kraken', '0.99')])
  assert.ok(agreement && 'price' in agreement)
  assert.equal(agreement.price.toFixed(), '4000') // 3999.6, 4000, 4004
})

test('a coin that lost its peg moves what is quoted in it', () => {
  const agreement = ethWith([from('kraken', '0.9'), from('coinbase', '0.9')])
  assert.deepEqual(agreement?.excluded, [{ source: 'binance', reason: 'deviation' }])
})

test('without a fresh price of the coin, or with sources of it that differ, what is quoted in it is left out', () => {
  const stale = { ...from('kraken', '1'), reading: { refused: 'stale' } as Reading }
  for (const tether of [[], [stale], [from('kraken', '1'), from('coinbase', '0.9')]]) {
    const agreement = ethWith(tether)
    assert.ok(agreement && 'nothing' in agreement)
    assert.equal(agreement.nothing, 'too_few_sources')
    assert.deepEqual(agreement.excluded, [{ source: 'binance', reason: 'no_rate' }])
  }
})

test('a rate in another coin than dollars is no rate', () => {
  const agreement = ethWith([from('binance', '1', 'USDC')])
  assert.deepEqual(agreement?.excluded, [{ source: 'binance', reason: 'no_rate' }])
})
