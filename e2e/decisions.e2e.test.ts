import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { settlementCommands, subscriptions } from '@fusion-prime/events'
import { createIdTokens } from '@fusion-prime/http'
import { OPERATOR } from '@fusion-prime/local/testing/live-service.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { createWorld, paymentOf, someone, type World } from './decisions.ts'
import { allowed, type Callee, SANCTIONED } from './decisions-services.ts'
import { operationsOf } from './operations.ts'

/* Settlement, risk-engine and compliance together: real HTTP, databases and Pub/Sub API, and tokens from a metadata server. */

let world: World
before(async () => {
  world = await createWorld()
  await world.start('risk-engine', 'compliance', 'settlement')
})
after(() => world?.close())

const usual = { ETH: '3941.34', USDC: '1' }
beforeEach(() => world.price(usual))

describe('commands', () => {
  test('payer and payee verified: processed', async () => {
    const { command_id, status, risk, compliance } = await world.pay(paymentOf(await world.verifiedPair()))
    assert.deepEqual([status, risk?.degraded, compliance?.status], ['processed', false, 'approved'])
    assert.ok(['kyc_verified', 'aml_clear'].every(check => compliance?.checks.includes(check)))
    const { decision } = await world.ask<{ decision: { approved: boolean } }>(
      'compliance',
      `/compliance/checks/${command_id}`
    )
    assert.equal(decision.approved, true)
    assert.deepEqual(await world.outcomesOf(command_id), [['command_processed', null]])
  })

  test('who owes much is held as risk_high; without the debt the same user’s next command is processed', async () => {
    const pair = await world.verifiedPair()
    await world.evaluate(pair.payer, { collateral: { ETH: '10' }, borrow: { USDC: '4500' } })
    const held = await world.pay(paymentOf(pair))
    assert.deepEqual(
      [held.status, held.reason, held.risk?.risk_level, held.risk?.degraded, held.compliance?.status],
      ['held', 'risk_high', 'high', false, 'approved']
    )
    await world.evaluate(pair.payer, { collateral: { ETH: '10' }, borrow: {} })
    const processed = await world.pay(paymentOf(pair))
    assert.deepEqual(
      [processed.status, processed.reason, processed.risk?.risk_score, processed.risk?.risk_level],
      ['processed', null, 0.25, 'low']
    )
  })

  test('an unknown payer is held until an operator decides, whose name is kept', async () => {
    const payee = someone()
    await world.verify(payee)
    const { command_id, status, reason, compliance } = await world.pay(paymentOf({ payer: someone(), payee }))
    assert.deepEqual([status, reason], ['held', 'compliance_review'])
    assert.ok(compliance?.reasons.includes('user_unknown'))
    const decision = { to: 'processed', reason: 'papers seen at the counter' }
    await world.ask('settlement', `/commands/${command_id}/resolution`, decision)
    const resolved = await world.find(command_id)
    assert.deepEqual([resolved.status, resolved.reason], ['processed', 'operator_resolution'])
    const rows = await world.live('settlement').sql`
      select held_reason, resolved_to as to, reason, resolved_by from command_resolutions where command_id = ${command_id}`
    assert.deepEqual([...rows], [{ held_reason: 'compliance_review', ...decision, resolved_by: OPERATOR }])
    assert.deepEqual(await world.outcomesOf(command_id), [
      ['command_held', 'compliance_review'],
      ['command_processed', 'operator_resolution']
    ])
  })

  test('a sanctioned payee: rejected', async () => {
    const payer = someone()
    await world.verify(payer, SANCTIONED)
    const { command_id, status, reason, compliance } = await world.pay(paymentOf({ payer, payee: SANCTIONED }))
    assert.deepEqual([status, reason, compliance?.reasons], ['rejected', 'compliance_rejected', ['payee_sanctioned']])
    assert.deepEqual(await world.outcomesOf(command_id), [['command_rejected', 'compliance_rejected']])
  })

  test('50 ingests of one id at once: one command, one message; another body: 409', async () => {
    const payment = paymentOf(await world.verifiedPair())
    const ingest = async (body: object) => (await world.send('settlement', '/commands/ingest', { body })).status
    const answers = await Promise.all(Array.from({ length: 50 }, () => ingest(payment)))
    assert.deepEqual(new Set(answers), new Set([202]))
    assert.equal(await ingest({ ...payment, amount: '1' }), 409)
    const { items } = await world.ask<{ items: object[] }>('settlement', `/commands?account_ref=${payment.payer}`)
    assert.equal(items.length, 1)
    assert.equal((await world.pay(payment)).status, 'processed') // it counts the messages
    assert.equal(await ingest({ ...payment, amount: '1' }), 409)
    assert.deepEqual(await world.outcomesOf(payment.command_id), [['command_processed', null]])
  })

  test('one message pushed ten times at once: one outcome', async () => {
    const payment = paymentOf(await world.verifiedPair())
    await world.ask('settlement', '/commands/ingest', payment)
    const sent = await world.messages('settlement', settlementCommands)
    const message = sent.find(({ attributes }) => attributes.event_id === payment.command_id)
    assert.ok(message)
    const again = () => world.push(subscriptions['settlement-commands-settlement'], message)
    await Promise.all(Array.from({ length: 10 }, again))
    assert.deepEqual(await world.outcomesOf(payment.command_id), [['command_processed', null]])
  })
})

describe('who may ask what', () => {
  const callees = Object.keys(allowed) as Callee[] // its own keys
  const idToken = createIdTokens('oidc')
  /** As google-auth-library gets it for settlement. */
  const tokenFor = async (audience: string) => (await idToken(audience)) ?? assert.fail(`no token for ${audience}`)

  for (const name of callees) {
    test(`${name} lets settlement ask ${allowed[name].id}, with a token for it`, async () => {
      const [user_id, payer_address, payee_address] = [someone(), someone(), someone()]
      const positions = [{ asset: 'ETH', amount: '1' }]
      const body = { user_id, positions, payer_address, payee_address, amount: '1', asset: 'ETH' }
      const ask = async (token: string) => (await world.send(name, allowed[name].path, { body, token })).status
      assert.equal(await ask(await tokenFor(world.urls[name])), 200)
      assert.equal(await ask(await tokenFor('https://elsewhere.example')), 403)
      assert.equal(await ask('none'), 401)
    })

    test(`${name} lets settlement do nothing else`, async () => {
      const others = operationsOf(name).filter(({ id }) => id !== allowed[name].id)
      assert.ok(others.length > 10)
      const token = await tokenFor(world.urls[name])
      for (const { method, path, id } of others) {
        const request = { method, ...(method === 'POST' && { body: {} }) }
        const ask = async (token: string) =>
          (await world.send(name, path.replaceAll(/\{[^}]+\}/g, randomUUID()), { ...request, token })).status
        assert.equal(await ask(token), 403, id)
        assert.equal(await ask('none'), 401, id)
      }
    })
  }
})

describe('away', () => {
  async function without(name: Callee, work: () => Promise<void>): Promise<void> {
    await world.stop(name)
    try {
      await work()
    } finally {
      await world.start(name)
      await world.price(usual)
    }
  }
  const sweep = () => world.ask<Record<string, number>>('settlement', '/commands/sweep', {})

  test('compliance: held, and once it is back a sweep decides', async () => {
    const pair = await world.verifiedPair()
    const payment = paymentOf(pair)
    await without('compliance', async () => {
      const { status, reason, risk, compliance } = await world.pay(payment)
      assert.deepEqual([status, reason, risk?.degraded], ['held', 'compliance_unreachable', false])
      assert.deepEqual(compliance, { status: 'unreachable', approved: false, checks: [], reasons: [] })
      const { tried, held } = await sweep()
      assert.deepEqual([tried, held], [1, 1])
    })
    await world.verify(pair.payer, pair.payee)
    const { tried, processed } = await sweep()
    assert.deepEqual([tried, processed], [1, 1])
    assert.deepEqual(await world.outcomesOf(payment.command_id), [
      ['command_held', 'compliance_unreachable'],
      ['command_processed', null]
    ])
  })

  test('compliance, until the breaker opens: all are held, and decided once it lets a call through', async () => {
    const pair = await world.verifiedPair()
    const payments = Array.from({ length: 6 }, () => paymentOf(pair))
    await without('compliance', async () => {
      for (const payment of payments) assert.equal((await world.pay(payment)).reason, 'compliance_unreachable')
    })
    const changes = world
      .live('settlement')
      .lines()
      .filter(line => line.message === 'service_breaker_changed')
    assert.deepEqual([changes[0]?.callee, changes[0]?.state], ['compliance', 'open'])
    await world.verify(pair.payer, pair.payee)
    await until('nothing more to try', async () => (await sweep()).tried === 0)
    for (const { command_id } of payments) assert.equal((await world.find(command_id)).status, 'processed')
  })

  test('the risk engine: processed with the fallback, which is marked', async () => {
    const payment = paymentOf(await world.verifiedPair())
    await without('risk-engine', async () => {
      const { status, risk } = await world.pay(payment)
      const fallback = { risk_score: 0.5, risk_level: 'medium', margin_available: null, degraded: true }
      assert.deepEqual([status, risk], ['processed', fallback])
    })
  })
})
