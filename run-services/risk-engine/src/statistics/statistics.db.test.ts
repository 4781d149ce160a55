import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestRisk, setCloses } from '../portfolio/testing.ts'

let risk: Awaited<ReturnType<typeof createTestRisk>>
before(async () => {
  risk = await createTestRisk()
})
after(() => risk?.close())

const positions = [{ asset: 'BTC', amount: '1' }]
const lossOf = (question: object) => risk.ask('/risk/var', { positions, ...question })
const answered = async (question: object, names: string[]) => {
  const answer = await lossOf(question)
  return names.map(name => answer[name])
}

test('a historical loss needs ten returns', async () => {
  await setCloses(risk.sql, {
    asset_symbol: 'BTC',
    closes: Array.from({ length: 10 }, (_, day) => 100 + day),
    at: risk.at
  })
  assert.deepEqual(await lossOf({}), {
    status: 200,
    method: 'historical',
    confidence: 0.99,
    horizon_days: 1,
    total_value_usd: '100000',
    var_usd: null,
    cvar_usd: null,
    observations: 9,
    sigma_day: null,
    reason: 'too_few_closes',
    unpriceable: []
  })
})

test('a historical loss is read from past returns, between the two worst', async () => {
  // Daily changes of -20, -10 and, eight times, 0 percent.
  await setCloses(risk.sql, { asset_symbol: 'BTC', closes: [100, 80, 72, ...Array(8).fill(72)], at: risk.at })
  const names = ['var_usd', 'cvar_usd', 'observations', 'reason']
  assert.deepEqual(await answered({}, names), ['19100', '20000', 10, null])
  assert.deepEqual(await answered({ confidence: 0.8 }, names), ['2000', '15000', 10, null])
  assert.deepEqual(await answered({ confidence: 0.8, horizon_days: 4 }, names), ['4000', '30000', 10, null])
  assert.deepEqual(await answered({ horizon_days: 365 }, names), ['100000', '100000', 10, null])
})

test('a parametric loss falls back to the default deviation', async () => {
  const names = ['var_usd', 'cvar_usd', 'sigma_day', 'total_value_usd', 'reason']
  const question = { positions: [{ asset: 'ETH', amount: 1.5 }], method: 'parametric' }
  assert.deepEqual(await answered(question, names), ['550.13567579', '630.27092491', '0.04', '5912.01', null])
  assert.deepEqual(await answered({ ...question, confidence: 0.5 }, ['var_usd', 'cvar_usd']), ['0', '188.68406009'])
})

test('a user’s open escrows and nobody else’s; nothing loses nothing', async () => {
  const { status, total_value_usd, var_usd } = await risk.ask('/risk/var', { user_id: 'nobody', method: 'parametric' })
  assert.deepEqual([status, total_value_usd, var_usd], [200, '0', '0'])
})

test('an asset without a price leaves no figures', async () => {
  const given = [...positions, { asset: 'YFI', amount: 1 }]
  for (const method of ['historical', 'parametric']) {
    const names = ['var_usd', 'cvar_usd', 'total_value_usd', 'reason', 'unpriceable']
    assert.deepEqual(await answered({ method, positions: given }, names), [null, null, null, 'unpriceable', ['YFI']])
  }
  assert.deepEqual(await risk.ask('/risk/concentration', { positions: given }), {
    status: 200,
    total_value_usd: null,
    hhi: null,
    largest: null,
    assets: [],
    unpriceable: ['YFI']
  })
})

test('concentration: the shares of the assets, largest first', async () => {
  const given = [
    { asset: 'USDC', amount: '25000' },
    { asset: 'BTC', amount: '0.5' },
    { asset: 'BTC', amount: '0.25' }
  ]
  const largest = { asset: 'BTC', value_usd: '75000', share: '0.75' }
  assert.deepEqual(await risk.ask('/risk/concentration', { positions: given }), {
    status: 200,
    total_value_usd: '100000',
    hhi: '0.625',
    largest,
    assets: [largest, { asset: 'USDC', value_usd: '25000', share: '0.25' }],
    unpriceable: []
  })
})

test('stress: given positions and debt, or a user’s escrows and watched margin', async () => {
  const shocks = [{ name: 'crash', prices: { ETH: '-0.3', USDC: 0.5 } }]
  const given = { positions: [{ asset: 'ETH', amount: '1' }], borrow: { USDC: 3100 } }
  const { current, scenarios } = await risk.ask('/risk/stress', { ...given, shocks })
  const margin = {
    name: 'current',
    total_value_usd: '3941.34',
    health_score: 27.14,
    status: 'MARGIN_CALL',
    total_collateral_usd: '3941.34',
    total_borrow_usd: '3100',
    liquidation_price_drop_percent: '9.55'
  }
  assert.deepEqual(current, { ...margin, risk_score: 0.7927088249, risk_level: 'high' })
  assert.deepEqual(scenarios, [
    {
      name: 'crash',
      total_value_usd: '2758.938',
      health_score: -40.67,
      status: 'LIQUIDATION',
      total_collateral_usd: '2758.938',
      total_borrow_usd: '4650',
      liquidation_price_drop_percent: '-93.82',
      risk_score: 0.85,
      risk_level: 'high'
    }
  ])
  await risk.owe('watched', { collateral: { ETH: 1 }, borrow: { USDC: 3100 } })
  const watched = await risk.ask('/risk/stress', { user_id: 'watched' })
  assert.deepEqual(watched.current, { ...margin, total_value_usd: '0', risk_score: 0.6, risk_level: 'medium' })
  assert.equal(Array.isArray(watched.scenarios) && watched.scenarios.length, 4)
})

for (const [path, body] of [
  ['var', {}],
  ['var', { user_id: 'u', positions }],
  ['var', { positions, confidence: 0.49 }],
  ['var', { positions, confidence: 1 }],
  ['var', { positions, horizon_days: 0 }],
  ['var', { positions, horizon_days: 1.5 }],
  ['var', { positions, method: 'guess' }],
  ['concentration', {}],
  ['concentration', { positions: [{ asset: 'ETH', amount: '-1' }] }],
  ['stress', { user_id: 'u', borrow: {} }],
  ['stress', { positions, borrow: { ETH: '-1' } }],
  ['stress', { positions, borrow: { 'E H': '1' } }],
  ['stress', { positions, shocks: [{ name: 'too deep', prices: { ETH: '-1.1' } }] }],
  ['stress', { positions, shocks: [{ name: '', prices: {} }] }]
] as const) {
  test(`refused: ${path} ${JSON.stringify(body)}`, async () => {
    assert.equal((await risk.ask(`/risk/${path}`, body)).status, 400)
  })
}
