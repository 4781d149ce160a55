import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { decodeMessage, marketPrices, priceId } from '@fusion-prime/events'
import { type TestDatabase, testDatabase } from '@fusion-prime/local'
import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import type { PubSubMessage } from '@fusion-prime/pubsub'
import { createLog } from '@fusion-prime/runtime'
import { migrations } from './config.ts'
import { Decimal } from './decimal.ts'
import type { Reading } from './reading.ts'
import { type OracleDeps, runRound } from './round.ts'
import type { Source } from './sources/source.ts'

const START = Date.parse('2026-01-31T12:00:00.000Z')
const context = { correlation_id: 'test', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` }
const source = (kind: 'coinbase' | 'kraken' | 'bitstamp'): Source => ({ kind, pair: 'X', quote: 'USD' })
const three = [source('coinbase'), source('kraken'), source('bitstamp')]

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 5, applicationName: 'price-oracle' })
  await migrate(sql, { folders: migrations })
})
after(async () => {
  await sql.end()
  await database.close()
})
beforeEach(async () => {
  await sql`truncate price_rounds, outbox`
})

/** An oracle of one asset or two whose sources all say the same, on a clock of its own, with a broker that may be away. */
function createOracle({ assets = ['ETH'] }: { assets?: string[] } = {}) {
  const sent: PubSubMessage[] = []
  const lines: Record<string, unknown>[] = []
  const world = { seconds: 0, price: '3941.34' as string | undefined, brokerIsAway: false }
  const deps: OracleDeps = {
    sql,
    async publish(messages) {
      if (!world.brokerIsAway) sent.push(...messages)
      return messages.map(() => (world.brokerIsAway ? new Error('away') : undefined))
    },
    async read(sources) {
      const reading: Reading = world.price === undefined ? { refused: 'stale' } : { price: new Decimal(world.price) }
      return sources.map(() => reading)
    },
    log: createLog('price-oracle', { write: line => void lines.push(JSON.parse(line)) }),
    now: () => START + world.seconds * 1000,
    assets,
    sources: Object.fromEntries(assets.map(asset => [asset, three])),
    rule: {
      deviationPercent: 2,
      minSources: 3,
      jump: { percent: 10, windowSeconds: 30, confirmAfterMs: 15_000 },
      validitySeconds: 90,
      retentionHours: 24
    }
  }
  const round = (seconds: number, price: string | undefined) => {
    Object.assign(world, { seconds, price })
    return runRound(deps, context)
  }
  const prices = () => sent.map(message => JSON.parse(String(message.data)) as { sequence: number; price_usd: string })
  return { deps, world, sent, lines, round, prices }
}

test('a price is committed, published as the catalogue says, and valid for 90 s', async () => {
  const { round, sent } = createOracle()
  const result = await round(0, '3941.340')
  assert.deepEqual(result.published, [{ asset: 'ETH', price_usd: '3941.34', sequence: 1 }])
  assert.equal(sent.length, 1)
  const [message] = sent
  assert.ok(message)
  assert.equal(message.topic, 'market.prices.v1')
  assert.equal(message.ordering_key, 'ETH')
  const decoded = decodeMessage(marketPrices, { data: String(message.data), attributes: message.attributes })
  assert.ok('received' in decoded)
  assert.deepEqual(decoded.received.body, {
    event_id: priceId({ asset_symbol: 'ETH', sequence: 1 }),
    event_type: 'price_updated',
    schema_version: 1,
    asset_symbol: 'ETH',
    price_usd: '3941.34',
    source: 'median',
    sources: ['coinbase', 'kraken', 'bitstamp'],
    quality: 'ok',
    observed_at: '2026-01-31T12:00:00.000Z',
    valid_until: '2026-01-31T12:01:30.000Z',
    sequence: 1
  })
})

for (const price of ['0.000000000000000001', '1000000000000000000', '1000000000000000000.000000000000000001']) {
  test(`${price} goes through Postgres and out unrounded, and is what the next round compares with`, async () => {
    const { round, prices } = createOracle()
    await round(0, price)
    await round(30, price)
    assert.deepEqual(
      prices().map(({ price_usd }) => price_usd),
      [price, price]
    )
  })
}

test('a jump is held with an error line, and published when the next round finds it too', async () => {
  const { round, prices, lines } = createOracle()
  await round(0, '100')
  const held = await round(30, '120')
  assert.deepEqual(held.published, [])
  assert.deepEqual(held.refused, [
    { asset: 'ETH', reason: 'jump_held', sources: { coinbase: 'ok', kraken: 'ok', bitstamp: 'ok' } }
  ])
  const line = lines.find(({ message }) => message === 'price_not_published')
  assert.equal(line?.severity, 'ERROR')
  assert.equal(line?.asset, 'ETH')
  assert.equal(line?.reason, 'jump_held')
  await round(60, '121')
  assert.deepEqual(
    prices().map(({ sequence, price_usd }) => [sequence, price_usd]),
    [
      [1, '100'],
      [2, '121']
    ]
  )
})

test('without fresh sources nothing is published or changed, and an error line says what each source said', async () => {
  const { round, sent, lines } = createOracle()
  await round(0, '100')
  const before = await sql`select * from price_rounds`
  const result = await round(30, undefined)
  assert.deepEqual(result.published, [])
  assert.equal(sent.length, 1)
  assert.deepEqual(await sql`select * from price_rounds`, before)
  const line = lines.find(({ message }) => message === 'price_not_published')
  assert.deepEqual([line?.severity, line?.reason], ['ERROR', 'no_fresh_source'])
  assert.deepEqual(line?.sources, { coinbase: 'stale', kraken: 'stale', bitstamp: 'stale' })
})

test('an asset without a price doesn’t keep the others back', async () => {
  const { deps, prices } = createOracle({ assets: ['BTC', 'ETH'] })
  deps.read = async sources =>
    sources.map((_, index): Reading => (index < 3 ? { refused: 'http_503' } : { price: new Decimal('7') }))
  const result = await runRound(deps, context)
  assert.deepEqual(
    result.refused.map(({ asset }) => asset),
    ['BTC']
  )
  assert.equal(prices().length, 1)
})

test('rounds at once never give a sequence to two prices, and none goes back in time', async () => {
  await createOracle({ assets: ['BTC', 'ETH'] }).round(-30, '100') // the rows are there: only their lock keeps rounds apart
  const oracles = Array.from({ length: 8 }, (_, index) => ({ index, ...createOracle({ assets: ['BTC', 'ETH'] }) }))
  const results = await Promise.all(oracles.map(({ index, round }) => round(index % 4, `100.${index}`)))
  const rows = await sql<{ ordering_key: string; data: string }[]>`select ordering_key, data from outbox order by seq`
  for (const asset of ['BTC', 'ETH']) {
    const bodies = rows.filter(row => row.ordering_key === asset).map(row => JSON.parse(row.data))
    assert.deepEqual(
      bodies.map(({ sequence }) => sequence),
      bodies.map((_, index) => index + 1)
    )
    const times = bodies.map(({ observed_at }) => observed_at)
    assert.deepEqual(times, [...new Set(times)].sort())
    assert.equal(times.at(-1), '2026-01-31T12:00:03.000Z')
  }
  const committed = rows.map(row => JSON.parse(row.data)).filter(({ sequence }) => sequence > 1)
  assert.deepEqual(
    results.flatMap(({ published }) => published.map(one => `${one.asset} ${one.sequence} ${one.price_usd}`)).sort(),
    committed.map(one => `${one.asset_symbol} ${one.sequence} ${one.price_usd}`).sort()
  )
  for (const { published, superseded } of results) assert.equal(published.length + superseded.length, 2)
})

test('what a broker that is away didn’t take goes out with the next round, before its price', async () => {
  const { world, round, prices, lines } = createOracle()
  world.brokerIsAway = true
  assert.equal((await round(0, '100')).waiting, 1)
  assert.ok(lines.some(({ message, severity }) => message === 'outbox_publish_failed' && severity === 'ERROR'))
  world.brokerIsAway = false
  assert.equal((await round(30, '101')).waiting, 0)
  assert.deepEqual(
    prices().map(({ sequence, price_usd }) => [sequence, price_usd]),
    [
      [1, '100'],
      [2, '101']
    ]
  )
})
