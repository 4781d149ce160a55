import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '@fusion-prime/runtime'
import { getAddress } from 'viem'
import { neededSources } from './agree.ts'
import { PriceOracleConfig, readSources } from './config.ts'
import { defaultSources } from './sources/default-sources.ts'
import { parseSources, tickerUrl } from './sources/source.ts'

const env = { DATABASE_URL: 'postgres://h/d', GOOGLE_CLOUD_PROJECT: 'p', RPC_URL: 'http://rpc' }
const read = (settings: Record<string, string>) => readSources(readConfig(PriceOracleConfig, { ...env, ...settings }))

test('the sources that stand by default are valid, and every asset has more than enough', () => {
  const { assets, sources } = read({})
  assert.deepEqual(assets, ['BTC', 'ETH', 'LINK', 'USDC'])
  assert.deepEqual(parseSources(JSON.stringify(sources)), defaultSources)
  for (const asset of assets) assert.ok((sources[asset]?.length ?? 0) >= 5)
  for (const source of Object.values(sources).flat()) {
    if (source.kind === 'chainlink') assert.equal(getAddress(source.feed), source.feed)
    if ('pair' in source) assert.match(tickerUrl(source) ?? '', /^https:/)
  }
})

test('what assets are quoted in is asked for too, in USD only, and once', () => {
  const needed = neededSources(['BTC', 'ETH'], defaultSources)
  assert.equal(needed.filter(({ asset }) => asset === 'USDT').length, defaultSources.USDT?.length)
  assert.ok(needed.every(({ asset, source }) => asset !== 'USDT' || source.quote === 'USD'))
  assert.ok(!needed.some(({ asset }) => asset === 'LINK'))
})

const usd = (kind: string) => ({ kind, pair: 'X' })
const faults: [string, Record<string, string>, RegExp][] = [
  ['text that isn’t JSON', { PRICE_SOURCES: '{' }, /PRICE_SOURCES is not JSON/],
  [
    'an unknown kind',
    { PRICE_SOURCES: '{"ETH":[{"kind":"tarot","pair":"ETH"}]}' },
    /PRICE_SOURCES is not valid: \/ETH/
  ],
  ['a misspelt field', { PRICE_SOURCES: '{"ETH":[{"kind":"kraken","pair":"E","quota":"USD"}]}' }, /not valid/],
  [
    'a kind named twice',
    { PRICE_SOURCES: JSON.stringify({ ETH: [usd('kraken'), usd('kraken')] }) },
    /ETH from kraken is named twice/
  ],
  [
    'a kind without an address',
    { PRICE_SOURCES: JSON.stringify({ ETH: [usd('exmo')] }) },
    /ETH from exmo has no public address/
  ],
  [
    'a quote without a rate',
    { PRICE_SOURCES: '{"ETH":[{"kind":"binance","pair":"ETHUSDT","quote":"USDT"}]}' },
    /name a source of USDT in USD/
  ],
  [
    'too few sources',
    { PRICE_SOURCES: JSON.stringify({ ETH: [usd('kraken'), usd('coinbase')] }), ASSETS: 'ETH' },
    /ETH has 2 sources, MIN_SOURCES is 3/
  ],
  ['an asset that nobody knows', { ASSETS: 'ETH,DOGE' }, /ASSETS names DOGE/]
]
for (const [name, settings, message] of faults) {
  test(`${name} stops the oracle at once`, () => {
    assert.throws(() => read(settings), { name: 'PermanentError', message })
  })
}
