import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { marginAlerts } from '@fusion-prime/events'
import { findHolder } from './store.ts'
import { createMarginFixture, type MarginFixture } from './testing.ts'

const example = { collateral_positions: { ETH: 1.0 }, borrow_positions: { USDC: 3100.0 } }

let margin: MarginFixture
before(async () => {
  margin = await createMarginFixture()
})
beforeEach(() => margin.reset())
after(() => margin?.close())

test('1 ETH at 3941.34 against 3100 USDC: 27.14, MARGIN_CALL, 9.55, and the prices with their ages', async () => {
  await margin.price({ ETH: '3941.34', USDC: '1' })
  margin.wait(2_500)
  const { prices, evaluated_at, ...rest } = await margin.evaluate({ user_id: 'user-7', ...example })
  assert.deepEqual(rest, {
    user_id: 'user-7',
    health_score: 27.14,
    status: 'MARGIN_CALL',
    total_collateral_usd: '3941.34',
    total_borrow_usd: '3100',
    liquidation_price_drop_percent: '9.55',
    unpriceable: [],
    monitored: true
  })
  assert.equal(evaluated_at, margin.now().toISOString())
  assert.deepEqual(
    prices.map((one: Record<string, unknown>) => [one.asset_symbol, one.price_usd, one.age_seconds, one.fresh]).sort(),
    [
      ['ETH', '3941.34', 2.5, true],
      ['USDC', '1', 2.5, true]
    ]
  )
  const [alert] = margin.alerts()
  assert.equal(alert?.event_type, 'margin_call')
  assert.equal(alert?.previous_health_score, null)
  assert.equal(alert?.liquidation_price_drop_percent, '9.55')
})

test('amounts are numbers or decimal strings, exact; a position of zero is none', async () => {
  await margin.price({ ETH: '3', USDC: '1' })
  const positions = { collateral_positions: { ETH: '0.000000000000000001' }, borrow_positions: { USDC: 1e-7, YFI: 0 } }
  const { total_collateral_usd, total_borrow_usd, status } = await margin.evaluate({ user_id: 'small', ...positions })
  assert.deepEqual(
    [total_collateral_usd, total_borrow_usd, status],
    ['0.000000000000000003', '0.0000001', 'LIQUIDATION']
  )
  assert.deepEqual((await findHolder(margin.parts.sql, 'small'))?.borrow, { USDC: '0.0000001' })
  const none = await margin.evaluate({
    user_id: 'none',
    collateral_positions: { ETH: 1 },
    borrow_positions: { USDC: 0 }
  })
  assert.deepEqual([none.health_score, none.status], [null, 'HEALTHY'])
})

test('a missing or stale price: UNPRICEABLE with its names, no total, no alert', async () => {
  await margin.price({ ETH: '10' })
  const answer = await margin.evaluate({
    user_id: 'u',
    collateral_positions: { ETH: 1, DOGE: 1 },
    borrow_positions: { USDC: 3100 }
  })
  assert.deepEqual(
    [answer.status, answer.unpriceable, answer.health_score, answer.total_collateral_usd, answer.total_borrow_usd],
    ['UNPRICEABLE', ['DOGE', 'USDC'], null, null, null]
  )
  await margin.price({ USDC: '1' })
  margin.wait(90_001)
  const stale = await margin.evaluate({ user_id: 'u', ...example })
  assert.deepEqual([stale.status, stale.unpriceable], ['UNPRICEABLE', ['ETH', 'USDC']])
  assert.deepEqual(margin.alerts(), [])
})

test('a falling price that crosses 50, 30 and 15 gives exactly three alerts, each once', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  await margin.watch('falls')
  await margin.score(49, 48, 29, 28, 14, 13)
  assert.deepEqual(
    margin.alerts().map(one => [one.event_type, one.severity, one.status, one.health_score, one.previous_health_score]),
    [
      ['margin_warning', 'medium', 'WARNING', 49, 60],
      ['margin_call', 'high', 'MARGIN_CALL', 29, 48],
      ['liquidation_imminent', 'critical', 'LIQUIDATION', 14, 28]
    ]
  )
  const [first] = margin.published(marginAlerts)
  assert.equal(first?.ordering_key, 'falls')
  assert.match(first?.correlation_id ?? '', /^price ETH \d+$/)
  assert.match(first?.traceparent ?? '', /^00-1{32}-(?!2{16})/)
})

test('a price that flutters around a line gives one alert; a jump over several gives the band reached', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  await margin.watch('flutters')
  await margin.score(49, 50.5, 49, 51, 48)
  assert.deepEqual(margin.alertTypes(), ['margin_warning'])
  await margin.score(60, 5)
  assert.deepEqual(margin.alertTypes(), ['margin_warning', 'liquidation_imminent'])
})

test('status changes are told, each once, with what was before', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  await margin.watch('moves')
  await margin.score(59, 45, 44, 10, 80)
  assert.deepEqual(
    margin.events().map(one => 'status' in one && [one.previous_status, one.status, one.health_score]),
    [
      [null, 'HEALTHY', 60],
      ['HEALTHY', 'WARNING', 45],
      ['WARNING', 'LIQUIDATION', 10],
      ['LIQUIDATION', 'HEALTHY', 80]
    ]
  )
  const ids = [...margin.events(), ...margin.alerts()].map(one => one.event_id)
  assert.equal(new Set(ids).size, ids.length)
})

test('prices gone stale: the sweep says UNPRICEABLE, once, without an alert; a price wakes the user up', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  await margin.watch('waits')
  await margin.score(29)
  const sweep = async () => (await margin.app.inject({ method: 'POST', url: '/margin/sweep' })).json()
  assert.deepEqual(await sweep(), { evaluated: 0, assets: ['BTC', 'LINK', 'SHIB', 'YFI'] })
  margin.wait(91_000)
  assert.equal((await sweep()).evaluated, 1)
  assert.equal((await sweep()).evaluated, 0)
  assert.equal(margin.parts.lines.filter(line => line.message === 'margin_prices_stale').length, 1)
  assert.deepEqual((await margin.get('/api/v1/margin/users?status=UNPRICEABLE')).items[0]?.health_score, null)
  await margin.price({ USDC: '1' })
  assert.equal((await margin.get('/api/v1/margin/users')).items[0]?.status, 'UNPRICEABLE')
  await margin.score(28)
  assert.deepEqual(margin.alertTypes(), ['margin_call'])
  assert.deepEqual(
    margin.events().map(one => 'status' in one && one.status),
    ['HEALTHY', 'MARGIN_CALL', 'UNPRICEABLE', 'MARGIN_CALL']
  )
})

test('monitor: false keeps nothing; stopping forgets; beginning again numbers its messages on', async () => {
  await margin.price({ ETH: '120', USDC: '1' })
  assert.equal((await margin.evaluate({ user_id: 'once', ...example, monitor: false })).monitored, false)
  await margin.get('/api/v1/margin/health/once', 404)
  await margin.watch('again')
  assert.equal((await margin.get('/api/v1/margin/health/again')).health_score, 20)
  const stop = () => margin.app.inject({ method: 'DELETE', url: '/api/v1/margin/health/again' })
  assert.equal((await stop()).statusCode, 200)
  assert.equal((await stop()).statusCode, 404)
  await margin.get('/api/v1/margin/health/again', 404)
  assert.equal(await findHolder(margin.parts.sql, 'again'), undefined)
  await margin.score(10)
  assert.deepEqual(margin.alertTypes(), ['margin_call'])
  await margin.watch('again')
  assert.deepEqual(margin.alertTypes(), ['margin_call', 'liquidation_imminent'])
  assert.equal(new Set(margin.events().map(one => one.event_id)).size, 2)
})

test('new positions replace the old ones; what the user was told stays known', async () => {
  await margin.price({ ETH: '129', USDC: '1', BTC: '1' })
  await margin.watch('changes')
  await margin.evaluate({ user_id: 'changes', collateral_positions: { BTC: 128 }, borrow_positions: { USDC: 100 } })
  await margin.score(1)
  assert.deepEqual(margin.alertTypes(), ['margin_call'])
  await margin.price({ BTC: '0.89' })
  assert.deepEqual(margin.alertTypes(), ['margin_call', 'liquidation_imminent'])
})

test('users come in pages that partition them, by status or all', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  const users = Array.from({ length: 7 }, (_, index) => `page-${index}`)
  for (const user of users) await margin.watch(user)
  await margin.evaluate({ user_id: 'Low', collateral_positions: { ETH: 1 }, borrow_positions: { USDC: 150 } })
  const walk = async (query: string) => {
    const found: string[] = []
    for (let cursor = ''; ; ) {
      const page = await margin.get(`/api/v1/margin/users?limit=3${query}${cursor && `&cursor=${cursor}`}`)
      found.push(...page.items.map((one: { user_id: string }) => one.user_id))
      if (page.next_cursor === null) return found
      cursor = page.next_cursor
    }
  }
  assert.deepEqual(await walk(''), ['Low', ...users])
  assert.deepEqual(await walk('&status=HEALTHY'), users)
  assert.deepEqual(await walk('&status=LIQUIDATION'), ['Low'])
  assert.deepEqual((await margin.get('/health/detailed')).margins, { HEALTHY: 7, LIQUIDATION: 1 })
  await margin.get('/api/v1/margin/users?cursor=AA', 400)
})

test('a user who is an address is the same in any letter case', async () => {
  await margin.price({ ETH: '160', USDC: '1' })
  const address = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
  assert.equal((await margin.watch(address)).user_id, address.toLowerCase())
  assert.equal((await margin.get(`/api/v1/margin/health/${address}`)).monitored, true)
  const long = 'u'.repeat(200)
  await margin.watch(long)
  assert.equal((await margin.get(`/api/v1/margin/health/${long}`)).user_id, long)
})

const refused: [what: string, change: object][] = [
  ['a negative amount', { borrow_positions: { USDC: -1 } }],
  ['an exponent in a text', { borrow_positions: { USDC: '1e3' } }],
  ['more than any sum may have', { collateral_positions: { ETH: 1e50 } }],
  ['more decimals than any asset has', { collateral_positions: { ETH: 1e-37 } }],
  ['an asset that is no symbol', { collateral_positions: { 'E TH': 1 } }],
  ['a list of positions', { collateral_positions: [] }],
  ['no word of debt', { borrow_positions: undefined }],
  ['a user without a name', { user_id: '' }],
  ['a user with a NUL', { user_id: 'a\u0000' }],
  ['a user with a lone surrogate', { user_id: 'a\ud800' }],
  ['monitor as a text', { monitor: 'false' }]
]
for (const [what, change] of refused) {
  test(`${what} is refused`, async () => {
    const answer = await margin.app.inject(margin.evaluation({ user_id: 'u', ...example, ...change }))
    assert.equal(answer.statusCode, 400, answer.body)
  })
}
