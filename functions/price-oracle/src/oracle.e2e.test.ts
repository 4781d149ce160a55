import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFixture, type Fixture, VENUES } from './testing/fixture.ts'

let fixture: Fixture
let market: Fixture['market']
let pullPrices: Fixture['pullPrices']

before(async () => {
  fixture = await createFixture()
  ;({ market, pullPrices } = fixture)
})
after(() => fixture?.close())
afterEach(() => fixture.reset())

const createOracle = async (settings: Record<string, string> = {}) =>
  fixture.openOracle(await fixture.createEnvironment(settings))

test('prices of four assets from six kinds of sources reach the topic', async () => {
  const { round } = await createOracle()
  const result = await round()
  assert.deepEqual(result.refused, [])
  const prices = await pullPrices()
  const told = [...prices].map(([asset, [price]]) => [asset, price?.price_usd, price?.sequence])
  assert.deepEqual(told.sort(), [
    ['BTC', '97250.5', 1],
    ['ETH', '3941.34', 1],
    ['LINK', '18.42', 1],
    ['USDC', '1', 1]
  ])
  assert.deepEqual(prices.get('ETH')?.[0]?.sources, [...VENUES])
})

test('one outlier is cut', async () => {
  await market.distort('kraken', { asset: 'ETH', factor: '1.05' })
  const { round } = await createOracle()
  await round()
  const prices = await pullPrices()
  const [eth] = prices.get('ETH') ?? []
  assert.equal(eth?.price_usd, '3941.34')
  assert.deepEqual(
    eth.sources,
    VENUES.filter(venue => venue !== 'kraken')
  )
  assert.deepEqual(prices.get('BTC')?.[0]?.sources, [...VENUES])
})

test('sources that are dead, slow or broken are left out; the others’ price goes out', async () => {
  await market.distort('pyth', { status: 401 })
  await market.distort('coinbase', { delayMs: 600_000 })
  await market.distort('bitstamp', { ageSeconds: 3_600 })
  const { round } = await createOracle({ SOURCE_TIMEOUT_MS: '1000' })
  const result = await round()
  const [eth] = (await pullPrices()).get('ETH') ?? []
  assert.deepEqual(eth?.sources, ['chainlink', 'kraken', 'binance'])
  // USDT has Chainlink and Kraken still; USDC has the same three as ETH.
  assert.deepEqual(result.refused, [])
})

test('when all sources are stale nothing is published, and an error line says why', async () => {
  for (const venue of VENUES) await market.distort(venue, { ageSeconds: 200_000 })
  const { round, lines } = await createOracle()
  const result = await round()
  assert.deepEqual(result.published, [])
  assert.equal((await pullPrices()).size, 0)
  const told = lines.filter(({ message }) => message === 'price_not_published')
  assert.equal(told.length, 4)
  for (const line of told) {
    assert.deepEqual([line.severity, line.reason], ['ERROR', 'no_fresh_source'])
    assert.deepEqual(line.sources, Object.fromEntries(VENUES.map(venue => [venue, 'stale'])))
  }
})

test('a chain that is away leaves the other sources, and its address in no log', async () => {
  const { round, lines } = await createOracle({ RPC_URL: 'http://127.0.0.1:1/secret-key', MIN_SOURCES: '6' })
  const result = await round()
  assert.deepEqual(result.published, [])
  assert.equal(result.refused[0]?.sources.chainlink, 'unreachable')
  assert.equal(result.refused[0]?.sources.pyth, 'ok')
  assert.doesNotMatch(JSON.stringify(lines), /secret-key/)
})

test('an aggregator that isn’t there is malformed', async () => {
  const sources = JSON.parse(market.settings.PRICE_SOURCES ?? '')
  sources.ETH[0].feed = fixture.chain.accounts[5]
  const { round } = await createOracle({ PRICE_SOURCES: JSON.stringify(sources), MIN_SOURCES: '5', ASSETS: 'ETH' })
  await market.distort('kraken', { factor: '2' })
  const result = await round()
  assert.equal(result.refused[0]?.sources.chainlink, 'malformed')
  assert.equal(result.refused[0]?.sources.kraken, 'deviation')
})

test('a jump is held, and published when a later round finds it too', async () => {
  const { round } = await createOracle({ PRICE_INTERVAL_SECONDS: '1', ASSETS: 'ETH' })
  await round()
  await market.setPrice('ETH', '3100')
  const held = await round()
  assert.equal(held.refused[0]?.reason, 'jump_held')
  await sleep(600) // half the interval, and some
  await round()
  assert.deepEqual(
    (await pullPrices()).get('ETH')?.map(({ sequence, price_usd }) => [sequence, price_usd]),
    [
      [1, '3941.34'],
      [2, '3100']
    ]
  )
})

for (const price of ['0.000000000000000001', '1000000000000000000', '123456789012345678.000000000000000001']) {
  test(`${price} comes through all sources and the topic unrounded`, async () => {
    await market.setPrice('ETH', price)
    const { round } = await createOracle({ ASSETS: 'ETH' })
    await round()
    const [eth] = (await pullPrices()).get('ETH') ?? []
    assert.equal(eth?.price_usd, price)
    assert.deepEqual(eth.sources, [...VENUES])
  })
}
