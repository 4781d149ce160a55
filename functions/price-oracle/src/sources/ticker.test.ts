import assert from 'node:assert/strict'
import { test } from 'node:test'
import vectors from '../../test-vectors/tickers.json' with { type: 'json' }
import { parseDecimal } from '../decimal.ts'
import { type Exchange, parseTicker, priceOfTicker, type Ticker } from './ticker.ts'

/** What the vectors call an exchange, and how that names a pair where its body has several. */
const named: Record<string, { exchange: Exchange; pairOf?(symbol: string): string }> = {
  coinbaseexchange: { exchange: 'coinbase' },
  bitstamp: { exchange: 'bitstamp' },
  cex: { exchange: 'cex' },
  coinlist: { exchange: 'coinlist' },
  exmo: { exchange: 'exmo', pairOf: symbol => symbol.replace('/', '_') },
  binance: { exchange: 'binance', pairOf: symbol => symbol.replace('/', '') },
  binanceus: { exchange: 'binance', pairOf: symbol => symbol.replace('/', '') },
  coingecko: {
    exchange: 'coingecko',
    pairOf: symbol => (symbol === 'DAI/USD' ? 'dai' : 'staked-ether')
  }
}

for (const { id, exchange, symbol, body, expect } of vectors) {
  test(`ticker ${id}`, () => {
    const known = named[exchange]
    assert.ok(known)
    const ticker = parseTicker(known.exchange, { body, pair: known.pairOf?.(symbol) ?? symbol })
    assert.ok(ticker)
    for (const field of ['last', 'bid', 'ask'] as const) {
      assert.equal(ticker[field]?.toFixed(), parseDecimal(expect[field])?.toFixed(), field)
    }
    assert.equal(ticker.timestampMs, expect.timestamp_ms ?? undefined)
  })
}

test('Kraken’s shape: one ticker under the exchange’s own name, without a time', () => {
  const ticker = {
    a: ['30300.10000', '1', '1.000'],
    b: ['30300.00000', '1', '1.000'],
    c: ['30303.20000', '0.00067643']
  }
  const body = JSON.stringify({ error: [], result: { XXBTZUSD: ticker } })
  assert.deepEqual(parseTicker('kraken', { body, pair: 'XBTUSD' }), {
    last: parseDecimal('30303.2'),
    bid: parseDecimal('30300'),
    ask: parseDecimal('30300.1'),
    timestampMs: undefined
  })
})

test('Binance’s shape of one pair has a last price and a time', () => {
  const body = JSON.stringify({
    symbol: 'ETHUSDT',
    lastPrice: '1',
    bidPrice: '0.9',
    askPrice: '1.1',
    closeTime: 1_700_000_000_123
  })
  assert.equal(parseTicker('binance', { body, pair: 'ETHUSDT' })?.timestampMs, 1_700_000_000_123)
})

const broken: [Exchange, string][] = [
  ['coinbase', ''],
  ['coinbase', '[]'],
  ['coinbase', 'null'],
  ['coinbase', '{"message":"NotFound"}'],
  ['coinbase', '{"price":"1e400","bid":"1","ask":"1","time":"2024-03-13T11:10:41Z"}'],
  ['coinbase', '{"price":"NaN","bid":"1","ask":"1","time":"2024-03-13T11:10:41Z"}'],
  ['coinbase', '{"price":"0x10","bid":"1","ask":"1","time":"2024-03-13T11:10:41Z"}'],
  ['coinbase', '{"price":"1","bid":"1","ask":"1"}'],
  ['bitstamp', '{"last":"1","bid":"1","ask":"1","timestamp":"now"}'],
  ['kraken', '{"error":["EQuery:Unknown asset pair"]}'],
  ['kraken', '{"error":[],"result":{}}'],
  ['exmo', '{"BTC_EUR":{"last_trade":"1","updated":1}}'],
  ['exmo', '{}'],
  ['binance', '[{"symbol":"BTCUSDT","bidPrice":"1","askPrice":"1"}]'],
  ['binance', '{"code":-1121,"msg":"Invalid symbol."}']
]

for (const [exchange, body] of broken) {
  test(`${exchange}: ${body || 'nothing'} is no ticker`, () => {
    assert.equal(parseTicker(exchange, { body, pair: 'constructor' }), undefined)
  })
}

test('numbers in JSON keep every digit', () => {
  const body = '{"price":0.100000000000000000000000000000000001,"bid":0.1,"ask":0.2,"time":"2024-03-13T11:10:41Z"}'
  assert.equal(parseTicker('coinbase', { body, pair: '' })?.last?.toFixed(), '0.100000000000000000000000000000000001')
})

const NOW = 1_700_000_000_000
const limits = { madeAt: undefined, now: NOW, maxAgeSeconds: 60, maxSpreadPercent: 2 }

function ticker({
  last,
  bid,
  ask,
  timestampMs = NOW
}: {
  last?: string
  bid?: string
  ask?: string
  timestampMs?: number
}): Ticker {
  return { last: parseDecimal(last), bid: parseDecimal(bid), ask: parseDecimal(ask), timestampMs }
}

const priced: [string, Parameters<typeof ticker>[0], string][] = [
  ['the last trade, between bid and ask', { last: '100.5', bid: '100', ask: '101' }, '100.5'],
  ['the bid, if the last trade was below', { last: '73285', bid: '73353', ask: '73367' }, '73353'],
  ['the ask, if the last trade was above', { last: '120', bid: '100', ask: '101' }, '101'],
  ['the mean of bid and ask without a last trade', { bid: '100', ask: '101' }, '100.5'],
  ['the last trade alone', { last: '1.004' }, '1.004']
]
for (const [name, given, price] of priced) {
  test(`a ticker’s price is ${name}`, () => {
    const reading = priceOfTicker(ticker(given), limits)
    assert.equal('price' in reading && reading.price.toFixed(), price)
  })
}

const refused: [string, Parameters<typeof ticker>[0], Partial<typeof limits> & { madeAt?: number }, string][] = [
  ['61 s old', { last: '1', timestampMs: NOW - 61_000 }, {}, 'stale'],
  ['ahead of our clock', { last: '1', timestampMs: NOW + 61_000 }, {}, 'future'],
  ['with bid and ask far apart', { last: '1', bid: '1', ask: '1.0201' }, {}, 'spread'],
  ['with the ask below the bid', { last: '1', bid: '1', ask: '0.9999' }, {}, 'spread'],
  ['with an empty book', { last: '1', bid: '0', ask: '1' }, {}, 'not_positive'],
  ['of less than nothing', { last: '-1' }, {}, 'not_positive']
]
for (const [name, given, changes, reason] of refused) {
  test(`a ticker ${name} is refused`, () => {
    assert.deepEqual(priceOfTicker(ticker(given), { ...limits, ...changes }), { refused: reason })
  })
}

test('without a time a ticker is as old as its answer; if nobody says how old that is, stale', () => {
  const timeless = { ...ticker({ last: '1' }), timestampMs: undefined }
  assert.ok('price' in priceOfTicker(timeless, { ...limits, madeAt: NOW - 60_000 }))
  assert.deepEqual(priceOfTicker(timeless, { ...limits, madeAt: NOW - 60_001 }), { refused: 'stale' })
  assert.deepEqual(priceOfTicker(timeless, limits), { refused: 'stale' })
})
