import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { commandOutcomeId } from '@fusion-prime/events'
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
beforeEach(async () => {
  const { risk, compliance, sql } = settlement
  // What an earlier test left isn't this one's.
  await sql`update settlement_commands set reason = 'test_over' where reason = 'compliance_unreachable'`
  Object.assign(risk, { answer: lowRisk, gate: Promise.resolve(), requests: [] })
  Object.assign(compliance, { answer: approval, gate: Promise.resolve(), requests: [] })
})
after(() => settlement?.close())

/** Commands that were given while compliance was away. */
async function holdMany(count: number): Promise<string[]> {
  const { app, risk, compliance } = settlement
  compliance.answer = undefined
  const commands = Array.from({ length: count }, () => createCommand())
  await Promise.all(commands.map(command => app.inject(pushOfCommand(command))))
  compliance.answer = approval
  compliance.requests = []
  risk.requests = []
  return commands.map(one => one.command_id)
}
const sweep = async (app = settlement.app) => {
  const answer = await app.inject({ method: 'POST', url: '/commands/sweep' })
  return { status: answer.statusCode, body: answer.json() }
}
const nothing = { tried: 0, processed: 0, held: 0, rejected: 0, failed: 0 }
const outcomesOf = (command_id: string) =>
  settlement.sentAbout(command_id).map(({ event_type, reason, event_id }) => [event_type, reason, event_id])
const typesOf = (command_id: string) => outcomesOf(command_id).map(([type]) => type)
const find = async (command_id: string) => (await settlement.app.inject(`/commands/${command_id}/status`)).json()

test('what was held because compliance was away is decided once it is back', async () => {
  const ids = await holdMany(25)
  assert.deepEqual(await sweep(), { status: 200, body: { ...nothing, tried: 25, processed: 25 } })
  for (const command_id of ids) assert.deepEqual(typesOf(command_id), ['command_held', 'command_processed'])
  assert.deepEqual((await sweep()).body, nothing)
  assert.equal(settlement.compliance.requests.length, 25)
})

test('while it is away nothing happens, however often it is tried', async () => {
  const [command_id = ''] = await holdMany(1)
  const before = await find(command_id)
  settlement.compliance.answer = undefined
  for (const _ of [1, 2, 3]) assert.deepEqual((await sweep()).body, { ...nothing, tried: 1, held: 1 })
  assert.deepEqual(typesOf(command_id), ['command_held'])
  assert.deepEqual(await find(command_id), before)
})

test('held for another reason, it is told again with the next number, and not tried any more', async () => {
  const [command_id = ''] = await holdMany(1)
  settlement.compliance.answer = { ...approval, status: 'review', approved: false }
  assert.deepEqual((await sweep()).body, { ...nothing, tried: 1, held: 1 })
  assert.deepEqual(outcomesOf(command_id), [
    ['command_held', 'compliance_unreachable', commandOutcomeId({ command_id, outcome: 'held', n: 1 })],
    ['command_held', 'compliance_review', commandOutcomeId({ command_id, outcome: 'held', n: 2 })]
  ])
  assert.deepEqual((await sweep()).body, nothing)
})

test('a rejection counts as such; what was held for review isn’t tried', async () => {
  settlement.compliance.answer = { ...approval, status: 'review', approved: false }
  await settlement.app.inject(pushOfCommand(createCommand()))
  await holdMany(1)
  settlement.compliance.answer = { ...approval, status: 'rejected', approved: false }
  assert.deepEqual((await sweep()).body, { ...nothing, tried: 1, rejected: 1 })
})

test('sweeps at the same time decide each command once', async () => {
  const ids = await holdMany(30)
  const others = [settlement.createInstance(), settlement.createInstance()]
  const answers = await Promise.all([sweep(), ...others.map(other => sweep(other))])
  const processed = answers.reduce((sum, { body }) => sum + body.processed, 0)
  assert.equal(processed, 30)
  for (const command_id of ids) assert.deepEqual(typesOf(command_id), ['command_held', 'command_processed'])
  for (const other of others) await other.close()
})

test('sweeps that ask about one command at the same moment tell once that it is still held', async () => {
  const [command_id = ''] = await holdMany(1)
  const other = settlement.createInstance()
  const gate = Promise.withResolvers<void>()
  settlement.compliance.gate = gate.promise
  settlement.compliance.answer = { ...approval, status: 'review', approved: false }
  const first = sweep()
  await until('a question to compliance', () => settlement.compliance.requests.length >= 1)
  const second = sweep(other)
  await until('a question to compliance', () => settlement.compliance.requests.length >= 2)
  gate.resolve()
  const held = [await first, await second].map(({ body }) => body.held)
  assert.deepEqual(held.sort(), [0, 1])
  assert.deepEqual(typesOf(command_id), ['command_held', 'command_held'])
  await other.close()
})

test('an operator who decides while a sweep asks has the last word', async () => {
  const [command_id = ''] = await holdMany(1)
  const gate = Promise.withResolvers<void>()
  settlement.compliance.gate = gate.promise
  const sweeping = sweep()
  await until('a question to compliance', () => settlement.compliance.requests.length >= 1)
  const payload = { to: 'rejected', reason: 'known for it' }
  await settlement.app.inject({ method: 'POST', url: `/commands/${command_id}/resolution`, payload })
  gate.resolve()
  assert.deepEqual((await sweeping).body, { ...nothing, tried: 1 })
  assert.deepEqual(typesOf(command_id), ['command_held', 'command_rejected'])
  assert.equal((await find(command_id)).reason, 'operator_resolution')
})

test('a process that is told to end gives up its sweep and decides nothing', async () => {
  const [command_id = ''] = await holdMany(1)
  settlement.compliance.gate = Promise.withResolvers<void>().promise
  const ending = settlement.createInstance()
  const sweeping = sweep(ending)
  await until('a question to compliance', () => settlement.compliance.requests.length >= 1)
  await ending.close()
  assert.equal((await sweeping).status, 503)
  assert.equal((await find(command_id)).status, 'held')
})

test('a sweep is bounded; the next one goes on with those that weren’t tried', async () => {
  await holdMany(205)
  settlement.compliance.answer = undefined
  assert.equal((await sweep()).body.tried, 200)
  const tried = new Set(settlement.compliance.requests.map(request => request.check_id))
  settlement.compliance.requests = []
  await sweep()
  const first = settlement.compliance.requests.slice(0, 10).map(request => request.check_id)
  assert.deepEqual([tried.size, first.filter(id => !tried.has(id)).length], [200, 5])
})
