import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { userEventId } from '@fusion-prime/events'
import { atLevel, createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestRisk, setCloses, setPrices } from '../portfolio/testing.ts'

let risk: Awaited<ReturnType<typeof createTestRisk>>
before(async () => {
  risk = await createTestRisk()
})
after(() => risk?.close())

const ETH = { asset: 'ETH', amount: '1.5' }
const assess = (user_id: string, positions: object[] = [ETH]) => risk.ask('/risk/portfolio', { user_id, positions })
const worthOf = async (user_id: string, positions: object[] = []) => (await assess(user_id, positions)).total_value_usd

test('1.5 ETH without debt: 0.25, low; the answer is kept', async () => {
  const expected = {
    risk_score: 0.25,
    risk_level: 'low',
    margin_available: '5140.87826087',
    total_value_usd: '5912.01',
    borrow_usd: '0',
    hhi: '1',
    sigma_day: '0.04',
    positions: 1,
    unpriceable: []
  }
  assert.deepEqual(await assess('plain'), { ...expected, status: 200 })
  const [row] = await risk.sql`select * from risk_metrics where user_id = 'plain'`
  const { assessment_id: _, correlation_id, assessed_at, ...kept } = row ?? {}
  assert.deepEqual(kept, { user_id: 'plain', ...expected, risk_score: '0.25' })
  assert.deepEqual(assessed_at, risk.at)
  assert.match(correlation_id, /^[0-9a-f-]{36}$/)
})

test('the watched debt counts: the same positions are a high risk, and that is told once', async () => {
  const headers = { 'x-correlation-id': 'payout-17' }
  const first = await risk.ask('/risk/portfolio', { user_id: 'debtor', positions: [ETH] }, { headers })
  assert.equal(first.risk_level, 'low')
  await risk.owe('debtor', { borrow: { USDC: 5000 }, collateral: { BTC: 1 } })
  for (const _ of [1, 2]) {
    const { risk_score, risk_level, margin_available, borrow_usd, total_value_usd } = await assess('debtor')
    assert.deepEqual(
      { risk_score, risk_level, margin_available, borrow_usd, total_value_usd },
      {
        risk_score: 0.8335578763,
        risk_level: 'high',
        margin_available: '140.87826087',
        borrow_usd: '5000',
        total_value_usd: '5912.01'
      }
    )
  }
  const at = risk.at.toISOString()
  const told = risk.told('debtor')
  assert.deepEqual(
    told.map(body => [body.previous_risk_level, body.risk_level, body.risk_score, body.occurred_at]),
    [
      [null, 'low', 0.25, at],
      ['low', 'high', 0.8335578763, at]
    ]
  )
  const idOf = (n: number) => userEventId({ user_id: 'debtor', event_type: 'risk_level_changed', n })
  assert.deepEqual(
    told.map(body => body.event_id),
    [idOf(1), idOf(2)]
  )
  const message = risk.sent.find(one => one.attributes.correlation_id === 'payout-17')
  assert.deepEqual([message?.topic, message?.ordering_key], ['risk-events', 'debtor'])
})

test('deposits that a user paid or is to be paid count, each once; an arbiter has nothing in them', async () => {
  const user = testAddress('rich')
  const [paid, due, both, judged] = ['paid', 'due', 'both', 'judged'].map(name => testAddress(`rich ${name}`))
  const open = async (values: object) => {
    const fact = createFact('EscrowDeployed', { amount: '1000000000000000000', ...values })
    assert.equal((await risk.app.inject(pushOf('escrow-events-risk-engine', fact))).statusCode, 204)
    return fact
  }
  const other = testAddress('poor')
  await open({ escrow_address: paid, payer: user, payee: other, arbiter: null })
  await open({ escrow_address: judged, payer: other, payee: other, arbiter: user })
  assert.equal(await worthOf(user), '3941.34')
  await open({ escrow_address: due, payer: other, payee: user, arbiter: null })
  const last = await open({ escrow_address: both, payer: user, payee: user, arbiter: user })
  assert.equal(await worthOf(user), '11824.02')
  assert.equal(await worthOf(`0X${user.slice(2).toUpperCase()}`), '11824.02')

  const again = { ...ETH, escrow_address: `0x${(paid ?? '').slice(2).toUpperCase()}` }
  const answer = await assess(user, [again, again, ETH])
  assert.deepEqual([answer.positions, answer.total_value_usd], [4, '19706.7'])

  await risk.app.inject(pushOf('escrow-events-risk-engine', atLevel(last, 'reverted')))
  assert.equal(await worthOf(user), '7882.68')
  await open({ escrow_address: paid, chain_id: 8453, payer: user, payee: other, arbiter: null })
  assert.equal(await worthOf(user), '11824.02')
})

test('past prices tell how much an asset moves; the last 30 closes at most', async () => {
  const sigma = async () => (await assess('mover', [{ asset: 'BTC', amount: 1 }])).sigma_day
  const set = (closes: number[]) => setCloses(risk.sql, { asset_symbol: 'BTC', closes, at: risk.at })
  assert.equal(await sigma(), '0.035')
  await set([100, 110])
  assert.equal(await sigma(), '0.035')
  await set([100, 110, 100])
  assert.equal(await sigma(), '0.1347889489')
  await set([1, 1_000, ...Array.from({ length: 30 }, () => 100)])
  assert.equal(await sigma(), '0')
  await set([])
})

for (const [what, { positions, borrow, unpriceable }] of Object.entries({
  'an asset that nobody knows': { positions: [ETH, { asset: 'XYZ', amount: '1' }], borrow: {}, unpriceable: ['XYZ'] },
  'an asset that never had a price': {
    positions: [{ asset: 'YFI', amount: 2 }, ETH],
    borrow: {},
    unpriceable: ['YFI']
  },
  'a debt in one': { positions: [ETH], borrow: { SHIB: 1, LINK: 1 }, unpriceable: ['LINK', 'SHIB'] }
})) {
  test(`${what} makes the portfolio unpriceable, and no figure is guessed`, async () => {
    await risk.owe(what.replaceAll(' ', '-'), { borrow })
    const answer = await assess(what.replaceAll(' ', '-'), positions)
    const none = {
      risk_score: null,
      margin_available: null,
      total_value_usd: null,
      borrow_usd: null,
      hhi: null,
      sigma_day: null
    }
    assert.deepEqual(answer, {
      status: 200,
      ...none,
      risk_level: 'unpriceable',
      positions: positions.length,
      unpriceable
    })
  })
}

test('a price that went stale makes it unpriceable; what the user pledged elsewhere doesn’t', async () => {
  await setPrices(risk.sql, { prices: { LINK: '15' }, at: new Date(risk.at.getTime() - 91_000) })
  assert.deepEqual((await assess('stale', [{ asset: 'LINK', amount: 1 }])).unpriceable, ['LINK'])
  await risk.owe('pledger', { borrow: { USDC: 1 }, collateral: { LINK: 1 } })
  assert.equal((await assess('pledger')).risk_level, 'low')
})

test('nothing at all is no risk; a debt without any worth is', async () => {
  const nothing = await assess('nobody', [{ asset: 'XYZ', amount: 0 }])
  assert.deepEqual([nothing.risk_score, nothing.risk_level, nothing.margin_available], [0, 'low', '0'])
  await risk.owe('bare', { borrow: { USDC: '0.000001' } })
  const bare = await assess('bare', [])
  assert.deepEqual([bare.risk_score, bare.risk_level, bare.hhi], [0.6, 'medium', '0'])
})

test('amounts are exact, as texts and as numbers', async () => {
  const amounts = [
    '0.000000000000000001',
    0.1,
    1e-7,
    '115792089237316195423570985008687907853269984665640564039457.584'
  ]
  const worth = '115792089237316195423570985008687907853269984665640564039457.684000100000000001'
  assert.equal(
    await worthOf(
      'exact',
      amounts.map(amount => ({ asset: 'USDC', amount }))
    ),
    worth
  )
})

for (const body of [
  {},
  { user_id: 'u' },
  { user_id: 'a b', positions: [] },
  { user_id: 'u', positions: [{ asset: 'ETH' }] },
  ...['-1', -1, '1e3', '', null, true, `1${'0'.repeat(78)}`, 1e300].map(amount => ({
    user_id: 'u',
    positions: [{ asset: 'ETH', amount }]
  })),
  ...['', 'E H', 'E\0H', '\ud800'].map(asset => ({ user_id: 'u', positions: [{ asset, amount: '1' }] }))
]) {
  test(`refused: ${JSON.stringify(body).slice(0, 80)}`, async () => {
    assert.equal((await risk.ask('/risk/portfolio', body)).status, 400)
  })
}

test('however many ask at once, the levels that are told follow each other without a gap', async () => {
  const other = risk.create()
  const kinds = [[ETH], [{ asset: 'XYZ', amount: 1 }], [ETH, { asset: 'BTC', amount: '0.1' }]]
  await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      risk.ask(
        '/risk/portfolio',
        { user_id: 'crowd', positions: kinds[(index * 7) % 3] ?? [] },
        { by: index % 2 === 0 ? risk.app : other }
      )
    )
  )
  await risk.app.inject({ method: 'POST', url: '/outbox/sweep' })
  await other.close()
  const rows = await risk.sql`select risk_level from risk_metrics where user_id = 'crowd' order by assessment_id`
  const levels = rows.map(row => row.risk_level)
  assert.equal(levels.length, 40)
  const changes = levels.flatMap((level, index) =>
    level === levels[index - 1] ? [] : [[levels[index - 1] ?? null, level]]
  )
  const told = risk.told('crowd')
  assert.deepEqual(
    told.map(body => [body.previous_risk_level, body.risk_level]),
    changes
  )
  assert.equal(new Set(told.map(body => body.event_id)).size, told.length)
})
