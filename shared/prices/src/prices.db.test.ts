import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  encodeMessage,
  type MarketPrice,
  marketPrices,
  PriceUpdated,
  priceId,
  subscriptions
} from '@fusion-prime/events'
import { createApp } from '@fusion-prime/http'
import { PUSH_PREFIX } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { outboxMigrations } from '@fusion-prime/postgres'
import fc from 'fast-check'
import {
  dailyCloses as closesByDay,
  findPrices,
  type Price,
  priceMigrations,
  priceUpdates,
  pruneCloses,
  savePrices
} from './index.ts'

let parts: TestParts
let app: ReturnType<typeof createApp>
const newer: string[] = []
before(async () => {
  parts = await createTestParts('prices', [outboxMigrations, priceMigrations])
  app = createApp({ ...parts, name: 'prices', description: 'test' })
  const onNewer = async (_: unknown, prices: Price[], deliveries: { event_id: string }[]) => {
    assert.deepEqual(
      deliveries.map(one => one.event_id),
      prices.map(priceId)
    )
    newer.push(...prices.map(({ asset_symbol, sequence }) => `${asset_symbol} ${sequence}`))
    return []
  }
  app.register(priceUpdates(subscriptions['risk-engine-prices-consumer'], { onNewer })(parts))
})
beforeEach(() => {
  newer.length = 0
  return parts.sql`truncate prices, price_closes, processed_events`
})
after(async () => {
  await app?.close()
  await parts?.close()
})

/** The closes without their days. */
async function dailyCloses(...given: Parameters<typeof closesByDay>): Promise<Map<string, string[]>> {
  return new Map([...(await closesByDay(...given))].map(([symbol, closes]) => [symbol, [...closes.values()]]))
}

const HOUR = 3_600_000
const start = Date.parse('2026-01-31T00:00:00Z')
/** One price an hour: the sequence is the hour. */
const priceAt = (asset_symbol: string, sequence: number, price_usd = `${sequence}.50`): Price => ({
  asset_symbol,
  price_usd,
  sequence,
  observed_at: new Date(start + sequence * HOUR),
  valid_until: new Date(start + sequence * HOUR + 90_000)
})
function pushOf(price: Price, changes: Partial<MarketPrice> = {}) {
  const body: MarketPrice = {
    ...PriceUpdated.example,
    ...price,
    event_id: priceId(price),
    observed_at: price.observed_at.toISOString(),
    valid_until: price.valid_until.toISOString(),
    ...changes
  }
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  const { data, attributes } = encodeMessage(marketPrices, body, { correlation_id: 'c', traceparent })
  const message = { data: Buffer.from(data).toString('base64'), messageId: '1', attributes }
  const payload = { message, subscription: `${PUSH_PREFIX}risk-engine-prices-consumer` }
  return { method: 'POST' as const, url: '/pubsub/market.prices.v1', payload }
}

test('a shuffled stream ends at the newest of each asset, and of each day, in batches or one by one', async () => {
  const stream = ['ETH', 'BTC'].flatMap(asset => Array.from({ length: 60 }, (_, hour) => priceAt(asset, hour)))
  const shuffled = fc.shuffledSubarray(stream, { minLength: stream.length, maxLength: stream.length })
  await fc.assert(
    fc.asyncProperty(shuffled, fc.integer({ min: 1, max: 40 }), async (prices, size) => {
      await parts.sql`truncate prices, price_closes, processed_events`
      for (let from = 0; from < prices.length; from += size)
        await savePrices(parts.sql, prices.slice(from, from + size))
      const found = await findPrices(parts.sql, ['ETH', 'BTC', 'YFI'])
      assert.deepEqual(
        found,
        new Map([
          ['BTC', priceAt('BTC', 59)],
          ['ETH', priceAt('ETH', 59)]
        ])
      )
      const closes = await dailyCloses(parts.sql, { symbols: ['ETH', 'BTC', 'ETH', 'YFI'], days: 30 })
      const each = ['23.50', '47.50', '59.50']
      assert.deepEqual(
        closes,
        new Map([
          ['BTC', each],
          ['ETH', each]
        ])
      )
    }),
    { numRuns: 15 }
  )
})

test('only the newest of an asset is answered, sorted; an equal or older sequence changes nothing', async () => {
  const given = [priceAt('ETH', 2), priceAt('BTC', 1), priceAt('ETH', 3), priceAt('ETH', 1)]
  assert.deepEqual(await savePrices(parts.sql, given), [priceAt('BTC', 1), priceAt('ETH', 3)])
  assert.deepEqual(await savePrices(parts.sql, [priceAt('ETH', 3, '9'), priceAt('BTC', 0, '9')]), [])
  assert.equal((await findPrices(parts.sql, ['ETH'])).get('ETH')?.price_usd, '3.50')
})

test('writers at once, of many assets in any order, neither deadlock nor lose the newest', async () => {
  const assets = ['BTC', 'ETH', 'LINK', 'SHIB', 'USDC', 'YFI']
  const batches = Array.from({ length: 60 }, (_, index) =>
    (index % 2 ? assets : [...assets].reverse()).map(asset => priceAt(asset, (index * 17) % 60))
  )
  await Promise.all(batches.map(batch => savePrices(parts.sql, batch)))
  const found = await findPrices(parts.sql, assets)
  assert.deepEqual(
    assets.map(asset => found.get(asset)?.sequence),
    Array(6).fill(59)
  )
})

for (const text of ['0.000000000000000001', '1000000000000000000', `${'9'.repeat(60)}.${'1'.repeat(36)}`, '1.10']) {
  test(`${text.slice(0, 24)} is kept to the digit`, async () => {
    assert.equal((await app.inject(pushOf(priceAt('ETH', 1, text)))).statusCode, 204)
    assert.equal((await findPrices(parts.sql, ['ETH'])).get('ETH')?.price_usd, text)
    assert.deepEqual((await dailyCloses(parts.sql, { symbols: ['ETH'], days: 1 })).get('ETH'), [text])
  })
}

test('closes are the last days that have one; those beyond the retention go', async () => {
  await savePrices(
    parts.sql,
    [0, 24, 72, 96].map(hour => priceAt('ETH', hour))
  )
  assert.deepEqual((await dailyCloses(parts.sql, { symbols: ['ETH'], days: 3 })).get('ETH'), [
    '24.50',
    '72.50',
    '96.50'
  ])
  const days = (await closesByDay(parts.sql, { symbols: ['ETH'], days: 2 })).get('ETH')?.keys() ?? []
  assert.deepEqual([...days], ['2026-02-03', '2026-02-04'])
  const [row] = await parts.sql`select current_date - min(day) as age from price_closes`
  await pruneCloses(parts.sql, { symbols: ['ETH'], days: row?.age - 1 })
  assert.equal((await dailyCloses(parts.sql, { symbols: ['ETH'], days: 9 })).get('ETH')?.length, 3)
})

test('a day that hasn’t come gets no close', async () => {
  const observed_at = new Date(Date.now() + 48 * HOUR)
  await savePrices(parts.sql, [{ ...priceAt('ETH', 1), observed_at }])
  assert.equal((await dailyCloses(parts.sql, { symbols: ['ETH'], days: 9 })).size, 0)
})

test('pushed at once in any order: the newest stays, and is told of once per asset and batch', async () => {
  const stream = Array.from({ length: 40 }, (_, index) => priceAt('ETH', 100 + ((index * 7) % 40)))
  for (const answer of await Promise.all(stream.map(price => app.inject(pushOf(price)))))
    assert.equal(answer.statusCode, 204)
  assert.equal((await findPrices(parts.sql, ['ETH'])).get('ETH')?.sequence, 139)
  assert.equal(newer.at(-1), 'ETH 139')
  assert.equal(new Set(newer).size, newer.length)
  const { length } = newer
  assert.equal(
    (await app.inject(pushOf(priceAt('ETH', 120), { event_id: priceId(priceAt('BTC', 1)) }))).statusCode,
    204
  )
  assert.equal(newer.length, length)
})

const refused: [what: string, price: Price, reason: string, detail: RegExp][] = [
  ['an asset that nobody knows', priceAt('DOGE', 1), 'asset_unknown', /no asset DOGE; known are BTC, ETH/],
  ['a price of nothing', priceAt('ETH', 1, '0.00'), 'invalid', /price of ETH is 0/]
]
for (const [what, price, reason, detail] of refused) {
  test(`${what} is dead-lettered with its reason`, async () => {
    parts.sent.length = 0
    assert.equal((await app.inject(pushOf(price))).statusCode, 204)
    const [dead] = parts.sent
    assert.equal(dead?.topic, 'market.prices.v1-dlq')
    assert.equal(dead?.attributes.dead_letter_reason, reason)
    assert.match(dead?.attributes.dead_letter_detail ?? '', detail)
    assert.equal((await findPrices(parts.sql, [price.asset_symbol])).size, 0)
  })
}
