import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { commandOutcomeId, eventId } from '@fusion-prime/events'
import { testHash } from '@fusion-prime/local/testing/facts.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import {
  approval,
  createCommand,
  createTestSettlement,
  lowRisk,
  pushOfCommand,
  type TestSettlement
} from './command-fixture.ts'

let settlement: TestSettlement
before(async () => {
  settlement = await createTestSettlement()
})
beforeEach(() => {
  const { risk, compliance } = settlement
  Object.assign(risk, { answer: lowRisk, gate: Promise.resolve(), requests: [] })
  Object.assign(compliance, { answer: approval, gate: Promise.resolve(), requests: [] })
})
after(() => settlement?.close())

const push = async (command: Record<string, unknown>, app = settlement.app) =>
  (await app.inject(pushOfCommand(command))).statusCode
const ingest = (payload: object) => settlement.app.inject({ method: 'POST', url: '/commands/ingest', payload })
const statusOf = async (command_id: string) =>
  (await settlement.app.inject(`/commands/${command_id.toUpperCase()}/status`)).json()
const outcomesOf = (command_id: string) =>
  settlement.sentAbout(command_id).map(({ event_type, reason }) => [event_type, reason])
const deadLetters = (command_id: string) =>
  settlement.sent.filter(one => one.topic.endsWith('-dlq') && one.attributes.event_id === command_id)

test('a given command is received, then processed; its outcome goes out with its correlation id', async () => {
  const command = createCommand({ account_ref: 'user-7', asset_symbol: 'USDC', amount: '1500000' })
  await settlement.app.inject({
    method: 'POST',
    url: '/commands/ingest',
    payload: command,
    headers: { 'x-correlation-id': 'order-17' }
  })
  const received = await statusOf(command.command_id)
  assert.deepEqual(
    [received.status, received.reason, received.risk, received.compliance],
    ['received', null, null, null]
  )

  assert.equal(await push(command), 204)
  const processed = await statusOf(command.command_id)
  assert.deepEqual([processed.status, processed.reason, processed.resolution], ['processed', null, null])
  assert.deepEqual(processed.risk, { ...lowRisk, degraded: false })
  const { check_id, ...checked } = approval
  assert.deepEqual(processed.compliance, checked)
  assert.deepEqual([processed.amount, processed.created_at], ['1500000', received.created_at])

  const { payer, payee, escrow_address } = command
  assert.deepEqual(settlement.risk.requests, [
    { user_id: 'user-7', positions: [{ asset: 'USDC', amount: '1.5', escrow_address }] }
  ])
  assert.deepEqual(settlement.compliance.requests, [
    {
      check_id: command.command_id,
      workflow_id: command.workflow_id,
      user_id: 'user-7',
      payer_address: payer,
      payee_address: payee,
      amount: '1.5',
      asset: 'USDC'
    }
  ])
  const outcome = settlement.sent.find(one => one.topic === 'settlement.events.v1')
  assert.deepEqual(
    [outcome?.attributes.event_type, outcome?.attributes.correlation_id, outcome?.ordering_key],
    ['command_processed', 'order-17', escrow_address]
  )
  assert.equal(
    outcome?.attributes.event_id,
    commandOutcomeId({ command_id: command.command_id, outcome: 'processed', n: 1 })
  )
  const line = settlement.lines.find(({ message }) => message === 'command_processed')
  assert.deepEqual([line?.command_id, line?.workflow_id], [command.command_id, command.workflow_id])
})

test('a derived command needs no row before it', async () => {
  const command_id = eventId({
    chain_id: 31337,
    block_hash: testHash('derived'),
    transaction_hash: testHash('derived'),
    log_index: 0,
    finality: 'finalized',
    incarnation: 1
  })
  assert.equal(await push(createCommand({ command_id, source_event_id: command_id })), 204)
  const { status, source_event_id } = await statusOf(command_id)
  assert.deepEqual([status, source_event_id], ['processed', command_id])
})

type Said = { risk?: typeof lowRisk | undefined; compliance?: typeof approval | undefined }
const high = { ...lowRisk, risk_level: 'high' as const }
const review = { ...approval, status: 'review' as const, approved: false }
const rejected = { ...approval, status: 'rejected' as const, approved: false }
const unstorable = { ...approval, checks: ['a\u0000b'] }
const outcomes: [what: string, said: Said, outcome: string, reason: string | null][] = [
  ['risk is high', { risk: high }, 'held', 'risk_high'],
  ['risk is away', { risk: undefined }, 'processed', null],
  ['compliance is away', { compliance: undefined }, 'held', 'compliance_unreachable'],
  ['both are away', { risk: undefined, compliance: undefined }, 'held', 'compliance_unreachable'],
  ['review', { compliance: review }, 'held', 'compliance_review'],
  ['rejected while risk is away', { risk: undefined, compliance: rejected }, 'rejected', 'compliance_rejected'],
  ['an answer that Postgres can’t hold', { compliance: unstorable }, 'held', 'compliance_unreachable']
]
for (const [what, said, outcome, reason] of outcomes) {
  test(`outcome: ${what}`, async () => {
    if ('risk' in said) settlement.risk.answer = said.risk
    if ('compliance' in said) settlement.compliance.answer = said.compliance
    const command = createCommand()
    assert.equal(await push(command), 204)
    const seen = await statusOf(command.command_id)
    assert.deepEqual([seen.status, seen.reason], [outcome, reason])
    assert.equal(seen.risk.degraded, settlement.risk.answer === undefined)
    assert.deepEqual(outcomesOf(command.command_id), [[`command_${outcome}`, reason]])
  })
}

test('a command in an unknown asset fails, and nobody is asked', async () => {
  const command = createCommand({ asset_symbol: 'DOGE' })
  assert.equal(await push(command), 204)
  const { status, reason, risk, compliance } = await statusOf(command.command_id)
  assert.deepEqual([status, reason, risk, compliance], ['failed', 'asset_unknown', null, null])
  assert.deepEqual(settlement.risk.requests, [])
  assert.deepEqual(outcomesOf(command.command_id), [['command_failed', 'asset_unknown']])
})

test('a redelivery asks nobody and decides nothing, also when the inbox has forgotten it', async () => {
  const command = createCommand()
  settlement.compliance.answer = review
  await push(command)
  settlement.compliance.answer = approval
  assert.equal(await push(command), 204)
  await settlement.sql`delete from processed_events where event_id = ${command.command_id}`
  assert.equal(await push(command), 204)
  assert.equal(settlement.compliance.requests.length, 1)
  assert.deepEqual(outcomesOf(command.command_id), [['command_held', 'compliance_review']])
  assert.equal((await statusOf(command.command_id)).status, 'held')
})

test('two instances that handle one command at the same moment decide it once', async () => {
  const other = settlement.createInstance()
  const command = createCommand()
  const gate = Promise.withResolvers<void>()
  settlement.compliance.gate = gate.promise
  const pushes = [push(command), push(command, other), push(command, other)]
  await until('a question to compliance', () => settlement.compliance.requests.length >= 3)
  gate.resolve()
  assert.deepEqual(await Promise.all(pushes), [204, 204, 204])
  assert.deepEqual(outcomesOf(command.command_id), [['command_processed', null]])
  await other.close()
})

test('a message that differs from the command is a dead letter, and the real one still comes through', async () => {
  const command = createCommand()
  await ingest(command)
  assert.equal(await push({ ...command, amount: '1' }), 204)
  assert.deepEqual(
    deadLetters(command.command_id).map(one => one.attributes.dead_letter_reason),
    ['id_reused']
  )
  assert.deepEqual([(await statusOf(command.command_id)).status, settlement.risk.requests.length], ['received', 0])
  assert.equal(await push(command), 204)
  const { status, amount } = await statusOf(command.command_id)
  assert.deepEqual([status, amount], ['processed', command.amount])
  assert.equal(await push({ ...command, amount: '2' }), 204)
  assert.equal(deadLetters(command.command_id).length, 2)
})

test('a bad message among two hundred harms none of them', async () => {
  const commands = Array.from({ length: 200 }, () => createCommand())
  const bad = commands[100] ?? assert.fail()
  await ingest(bad)
  const statuses = await Promise.all(
    commands.map(command => push(command === bad ? { ...command, payee: command.payer } : command))
  )
  assert.deepEqual(new Set(statuses), new Set([204]))
  for (const { command_id } of commands) {
    const expected = command_id === bad.command_id ? [] : [['command_processed', null]]
    assert.deepEqual(outcomesOf(command_id), expected)
  }
  assert.equal(deadLetters(bad.command_id).length, 1)
})

test('two bodies of one id that come at once: one is decided, the other one ends as a dead letter', async () => {
  const command = createCommand()
  const bodies = [command, { ...command, amount: '1' }]
  const statuses = await Promise.all(bodies.map(body => push(body)))
  // Which one is first isn't ours to say; one that was told to try again does.
  for (const [index, status] of statuses.entries()) {
    if (status === 503) assert.equal(await push(bodies[index] ?? {}), 204)
    else assert.equal(status, 204)
  }
  assert.deepEqual(outcomesOf(command.command_id), [['command_processed', null]])
  assert.equal(deadLetters(command.command_id).length, 1)
})

test('a process that is told to end gives up its calls, decides nothing, and another one does it', async () => {
  const ending = settlement.createInstance()
  const command = createCommand()
  const gate = Promise.withResolvers<void>()
  settlement.risk.gate = gate.promise
  await ingest(command)
  const waiting = push(command, ending)
  await until('a question to risk', () => settlement.risk.requests.length >= 1)
  await ending.close()
  assert.equal(await waiting, 503)
  assert.deepEqual([(await statusOf(command.command_id)).status, outcomesOf(command.command_id)], ['received', []])
  gate.resolve()
  assert.equal(await push(command), 204)
  assert.equal((await statusOf(command.command_id)).status, 'processed')
})

test('an outcome whose transaction fails at its end is not counted', async () => {
  const { app, sql } = settlement
  const counted = async () =>
    (await app.inject('/metrics')).body.split('\n').filter(line => line.startsWith('settlement_commands_total'))
  const before = await counted()
  await sql`alter table outbox add constraint refused check (ordering_key <> 'refused-after-all')`
  const command = createCommand({ workflow_id: 'refused-after-all', escrow_address: null })
  assert.equal(await push(command), 204)
  await sql`alter table outbox drop constraint refused`
  assert.deepEqual([outcomesOf(command.command_id), deadLetters(command.command_id).length], [[], 1])
  assert.deepEqual(await counted(), before)
  assert.ok(before.length > 0)
})

test('outcomes are counted, and what is held is told', async () => {
  const { app, sql } = settlement
  assert.match(
    (await app.inject('/metrics')).body,
    /settlement_commands_total\{outcome="held",degraded="false"\} [1-9]/
  )
  const [row] = await sql<{ held: number }[]>`
    select count(*)::int as held from settlement_commands where status = 'held'`
  assert.equal((await app.inject('/health/detailed')).json().held_commands, row?.held)
})
