import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CommandProcessed,
  CommandRejected,
  encodeMessage,
  marketPrices,
  PriceUpdated,
  priceId,
  settlementEvents
} from '@fusion-prime/events'
import { PUSH_PREFIX, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createCompliance } from '../app.ts'
import { createTestCompliance, type TestCompliance } from '../testing.ts'

let compliance: TestCompliance
let app: ReturnType<typeof createCompliance>
before(async () => {
  compliance = await createTestCompliance()
  app = createCompliance(compliance.deps)
  await compliance.publish('first', { addresses: [testAddress('bad')], names: ['Ivan Petrov'] })
})
after(async () => {
  await app?.close()
  await compliance?.parts.close()
})

const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })

/** A user with a verified case, by name. */
async function verified(user_id: string, country = 'CH', full_name = `User ${user_id}`): Promise<string> {
  const opened = await post('/kyc/cases', { user_id, full_name, country })
  assert.equal(opened.statusCode, 201, opened.body)
  const { case_id } = opened.json()
  for (const to of ['pending', 'verified']) {
    const moved = await post(`/kyc/cases/${case_id}/transitions`, { to, reason: 'documents' })
    assert.equal(moved.statusCode, 200, moved.body)
  }
  return case_id
}

const question = (user_id: string, changes: object = {}) => ({
  user_id,
  payer_address: testAddress(`${user_id} payer`),
  payee_address: testAddress(`${user_id} payee`),
  amount: '0.1',
  asset: 'ETH',
  amount_usd: '394.13',
  ...changes
})

async function ask(user_id: string, changes: object = {}) {
  const answer = await post('/compliance/check', question(user_id, changes))
  assert.equal(answer.statusCode, 200, answer.body)
  const { status, approved, reasons, checks, check_id } = answer.json()
  assert.equal(approved, status === 'approved')
  return { status, reasons, checks, check_id }
}
const verdict = async (user_id: string, changes: object = {}) => {
  const { status, reasons } = await ask(user_id, changes)
  return [status, ...reasons]
}

test('a verified user, nobody on a list, below the threshold: approved, with all that was passed', async () => {
  await verified('anna')
  const { status, checks, reasons } = await ask('anna')
  assert.deepEqual([status, reasons], ['approved', []])
  assert.deepEqual(checks, [
    'kyc_verified',
    'sanctions_clear',
    'travel_rule_met',
    'structuring_clear',
    'velocity_ok',
    'aml_clear'
  ])
})

test('who isn’t known or verified is for review; a sanctioned address is rejected, however it is written', async () => {
  await verified('bert')
  const bad = testAddress('bad')
  assert.deepEqual(await verdict('stranger'), ['review', 'user_unknown'])
  assert.deepEqual(await verdict('bert', { payee_address: bad }), ['rejected', 'payee_sanctioned'])
  assert.deepEqual(await verdict('bert', { payer_address: bad.toUpperCase().replace('X', 'x') }), [
    'rejected',
    'payer_sanctioned'
  ])
  assert.deepEqual(await verdict('stranger', { payee_address: bad }), ['rejected', 'payee_sanctioned', 'user_unknown'])
})

test('a name on a list is never verified silently: the case goes into review, and its payments are rejected until it is cleared', async () => {
  const opened = await post('/kyc/cases', { user_id: 'ivan', full_name: 'PETROV, Ivan', country: 'CH' })
  const { case_id, status, identity } = opened.json()
  assert.deepEqual([status, identity.match], ['review', { name: 'Ivan Petrov', list: 'EU', score: 1 }])
  assert.deepEqual(await verdict('ivan'), ['review', 'kyc_review', 'user_name_sanctioned'])
  const cleared = await post(`/kyc/cases/${case_id}/transitions`, { to: 'verified', reason: 'born elsewhere' })
  assert.equal(cleared.json().status, 'verified')
  assert.deepEqual(await verdict('ivan'), ['approved'])
})

test('a name that a newer list cleared is compared with the list in force all the same, once that is an older one again', async () => {
  const { world } = compliance
  const list = { addresses: [testAddress('bad')], names: ['Ivan Petrov'] }
  await verified('back', 'CH', 'Boris Rollbacker')
  assert.deepEqual(await verdict('back'), ['approved'])
  world.now = new Date(world.now.getTime() - 60_000)
  await compliance.publish('older', { ...list, names: [...list.names, 'ROLLBACKER, Boris'] })
  world.now = new Date(world.now.getTime() + 60_000)
  assert.deepEqual(await verdict('back'), ['review', 'user_name_sanctioned'])
  await compliance.publish('first again', list)
  assert.deepEqual(await verdict('back'), ['approved'])
})

test('the Travel Rule: from the jurisdiction’s threshold on the payee must be known as well', async () => {
  await verified('carl')
  const payee_address = testAddress('known payee')
  await verified(payee_address)
  assert.deepEqual(await verdict('carl', { amount_usd: '1000' }), ['review', 'travel_rule_data_missing'])
  assert.deepEqual(await verdict('carl', { amount_usd: '1000', payee_address }), ['approved'])
  assert.deepEqual(await verdict('carl', { amount_usd: 2000, jurisdiction: 'US' }), ['approved'])
  assert.deepEqual(await verdict('carl', { amount_usd: '3000', jurisdiction: 'US' }), [
    'review',
    'travel_rule_data_missing'
  ])
  await verified('emma', 'FR')
  assert.deepEqual(await verdict('emma', { amount_usd: '0.01' }), ['review', 'travel_rule_data_missing'])
  const answer = await post('/compliance/check', question('carl', { jurisdiction: 'MARS' }))
  assert.equal(answer.statusCode, 400)
})

test('without an amount in USD the amount is priced; no price, or a stale one, is for review', async () => {
  await verified('dora')
  const amount_usd = undefined
  assert.deepEqual(await verdict('dora', { amount_usd }), ['review', 'no_fresh_price'])
  await pushPrice('ETH', '3941.34', 1)
  assert.deepEqual(await verdict('dora', { amount_usd, amount: 0.2 }), ['approved'])
  assert.deepEqual(await verdict('dora', { amount_usd, amount: '1.5' }), ['review', 'travel_rule_data_missing'])
  compliance.world.now = new Date(compliance.world.now.getTime() + 91_000)
  assert.deepEqual(await verdict('dora', { amount_usd }), ['review', 'no_fresh_price'])
})

test('the third payment just below the threshold within 24 hours is for review; ten at once don’t slip through', async () => {
  await verified('split')
  const just = { amount_usd: '950' }
  assert.deepEqual(await verdict('split', just), ['approved'])
  assert.deepEqual(await verdict('split', just), ['approved'])
  assert.deepEqual(await verdict('split', just), ['review', 'structuring_suspected'])
  await verified('parallel')
  const answers = await Promise.all(Array.from({ length: 10 }, () => verdict('parallel', just)))
  assert.equal(answers.filter(([status]) => status === 'approved').length, 2)
})

test('the limits of a day: checks of one payment count once, and what was rejected or came to nothing not at all', async () => {
  const strict = { ...compliance.deps, limits: { velocity_max_payments: '3', velocity_max_usd: '1500' } }
  const own = createCompliance(strict)
  const ask = async (changes: object) => {
    const answer = await own.inject({ method: 'POST', url: '/compliance/check', payload: question('fast', changes) })
    return [answer.json().status, ...answer.json().reasons]
  }
  await verified('fast')
  const [opened, failed] = ['5f0c954e-93ae-4b8a-8f0e-6b3f4a2f7c11', '5f0c954e-93ae-4b8a-8f0e-6b3f4a2f7c12']
  const workflow_id = `escrow:31337:${testAddress('fast escrow')}`
  assert.deepEqual(await ask({ check_id: opened, workflow_id, amount_usd: '600' }), ['approved'])
  assert.deepEqual(await ask({ workflow_id, amount_usd: '600' }), ['approved'])
  assert.deepEqual(await ask({ check_id: failed, amount_usd: '700' }), ['approved'])
  assert.deepEqual(await ask({ amount_usd: '201' }), ['review', 'velocity_exceeded'])
  await pushOutcome(CommandProcessed.example, opened)
  await pushOutcome(CommandRejected.example, failed)
  assert.deepEqual(await ask({ amount_usd: '1' }), ['approved'])
  assert.deepEqual(await ask({ amount_usd: '1' }), ['review', 'velocity_exceeded'])
  compliance.world.now = new Date(compliance.world.now.getTime() + 24 * 3_600_000)
  await compliance.publish('next day', { addresses: [testAddress('bad')], names: ['Ivan Petrov'] })
  assert.deepEqual(await ask({ amount_usd: '900' }), ['approved'])
  await own.close()
})

test('no list, or one that is too old: review, and readiness says why; it stays ready', async () => {
  await verified('late')
  const { now } = compliance.world
  compliance.world.now = new Date(now.getTime() + 25 * 3_600_000)
  assert.deepEqual(await verdict('late'), ['review', 'sanctions_list_unavailable'])
  const ready = await app.inject('/health/ready')
  assert.equal(ready.statusCode, 200)
  assert.deepEqual(
    [ready.json().sanctions.usable, ready.json().sanctions.reason],
    [false, 'the list is older than 24 h']
  )
  compliance.world.now = now
})

test('one id gives one answer: the same question again, at once and in parallel; another question is refused', async () => {
  await verified('once')
  const asked = question('once', { check_id: 'check-once' })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('/compliance/check', asked)))
  assert.deepEqual(new Set(answers.map(one => one.body)).size, 1)
  await compliance.publish('once', { addresses: [asked.payee_address] })
  const same = { ...asked, amount: 0.1, payee_address: asked.payee_address.toUpperCase().replace('X', 'x') }
  assert.equal((await post('/compliance/check', same)).body, answers[0]?.body)
  const other = await post('/compliance/check', { ...asked, amount: '0.2' })
  assert.equal(other.statusCode, 409)
  const [row] = await compliance.parts
    .sql`select count(*)::int as n from compliance_checks where check_id = 'check-once'`
  assert.equal(row?.n, 1)
})

test('what isn’t a question is refused with 400 and decides nothing', async () => {
  for (const changes of [
    { amount: '-1' },
    { amount: '1e3' },
    { amount: ' 1' },
    { payer_address: '0x12' },
    { payee_address: `0x${'aB'.repeat(20)}` },
    // A listed address that is written otherwise would pass as one of another chain.
    { payee_address: testAddress('bad').slice(2) },
    { payer_address: `eip155:1:${testAddress('bad')}` },
    { payee_address: `ethereum:${testAddress('bad')}@1` },
    { asset: 'E\u0000H' },
    { check_id: 'a b' },
    { user_id: '' }
  ]) {
    const answer = await post('/compliance/check', question('nobody', { check_id: 'refused', ...changes }))
    assert.equal(answer.statusCode, 400, JSON.stringify(changes))
  }
  assert.equal((await app.inject('/compliance/checks/refused')).statusCode, 404)
})

test('each decision is announced once, under its escrow if the caller names one, without anything personal', async () => {
  await verified('told', 'CH', 'Very Private Person')
  const escrow_address = testAddress('told escrow')
  const { check_id } = await ask('told', { workflow_id: `escrow:31337:${escrow_address}` })
  const sent = compliance.parts.sent.filter(one => String(one.data).includes('told'))
  const [decided] = sent.filter(one => one.attributes.event_type === 'compliance_decided')
  assert.equal(decided?.ordering_key, escrow_address)
  assert.equal(JSON.parse(String(decided?.data)).check_id, check_id)
  const moves = sent
    .filter(one => one.attributes.event_type === 'kyc_status_changed')
    .map(one => JSON.parse(String(one.data)))
  assert.deepEqual(
    moves.map(one => [one.previous_status, one.status]),
    [
      [null, 'created'],
      ['created', 'pending'],
      ['pending', 'verified']
    ]
  )
  const told = JSON.stringify([compliance.parts.sent, compliance.parts.lines])
  assert.doesNotMatch(told, /Very Private/)
})

async function pushPrice(asset_symbol: string, price_usd: string, sequence: number): Promise<void> {
  const observed_at = compliance.world.now.toISOString()
  const valid_until = new Date(compliance.world.now.getTime() + 90_000).toISOString()
  const event_id = priceId({ asset_symbol, sequence })
  const body = { ...PriceUpdated.example, event_id, asset_symbol, price_usd, sequence, observed_at, valid_until }
  await push('compliance-prices-consumer', encodeMessage(marketPrices, body, context))
}

type Outcome = typeof CommandProcessed.example | typeof CommandRejected.example

async function pushOutcome(example: Outcome, command_id: string): Promise<void> {
  const body = { ...example, command_id, event_id: command_id.replace(/-4b8a-/, '-8b8a-') }
  await push('settlement.events.v1-compliance', encodeMessage(settlementEvents, body, context))
}

const context = { correlation_id: 'test', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` }

async function push(subscription: string, message: ReturnType<typeof encodeMessage>): Promise<void> {
  const { topic, data, attributes, event_id: messageId } = message
  const payload = {
    message: { data: Buffer.from(data).toString('base64'), messageId, attributes },
    subscription: `${PUSH_PREFIX}${subscription}`
  }
  const answer = await app.inject({ method: 'POST', url: `/pubsub/${topic}`, payload })
  assert.equal(answer.statusCode, 204, answer.body)
  const refused = compliance.parts.lines.filter(line => line.message === 'message_dead_lettered')
  assert.deepEqual(refused, [])
}
