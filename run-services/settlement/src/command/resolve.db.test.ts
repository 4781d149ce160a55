import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { commandOutcomeId } from '@fusion-prime/events'
import { createMetrics } from '@fusion-prime/http'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { type Sql, transaction } from '@fusion-prime/postgres'
import { createSettlement } from '../app.ts'
import { approval, createCommand, createTestSettlement, pushOfCommand, type TestSettlement } from './command-fixture.ts'
import { lockCommands } from './store.ts'

let settlement: TestSettlement
before(async () => {
  settlement = await createTestSettlement()
})
beforeEach(() => {
  settlement.compliance.answer = { ...approval, status: 'review', approved: false }
})
after(() => settlement?.close())

const held = async () => {
  const command = createCommand()
  await settlement.app.inject(pushOfCommand(command))
  return command.command_id
}
const resolve = async (command_id: string, payload: object) => {
  const answer = await settlement.app.inject({ method: 'POST', url: `/commands/${command_id}/resolution`, payload })
  return { status: answer.statusCode, body: answer.json() }
}
const countWaiting = async (sql: Sql): Promise<number> => {
  await sql`select pg_stat_clear_snapshot()` // a transaction sees the same activity otherwise
  const rows = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return rows.length
}
const typesOf = (command_id: string) => settlement.sentAbout(command_id).map(one => one.event_type)

for (const to of ['processed', 'rejected'] as const) {
  test(`an operator has a held command ${to}: an audit row, an outcome, and the same answer again`, async () => {
    const command_id = await held()
    const first = await resolve(command_id, { to, reason: 'seen the papers' })
    assert.deepEqual([first.status, first.body.status, first.body.reason], [200, to, 'operator_resolution'])
    const { resolved_at, ...resolution } = first.body.resolution
    assert.deepEqual(resolution, { to, reason: 'seen the papers', resolved_by: 'anonymous' })
    assert.equal(new Date(resolved_at).toISOString(), resolved_at)
    assert.equal(first.body.compliance.status, 'review', 'what was found out stays')
    assert.deepEqual(await resolve(command_id.toUpperCase(), { to, reason: 'seen the papers' }), first)
    assert.deepEqual(typesOf(command_id), ['command_held', `command_${to}`])
    const outcome = settlement.sentAbout(command_id).at(-1)
    assert.equal(outcome?.event_id, commandOutcomeId({ command_id, outcome: to, n: 1 }))
    const rows = await settlement.sql`
      select held_reason, resolved_to, reason, resolved_by from command_resolutions where command_id = ${command_id}`
    assert.deepEqual(
      [...rows],
      [{ held_reason: 'compliance_review', resolved_to: to, reason: 'seen the papers', resolved_by: 'anonymous' }]
    )
    for (const other of [
      { to, reason: 'another reason' },
      { to: to === 'processed' ? 'rejected' : 'processed', reason: 'seen the papers' }
    ])
      assert.equal((await resolve(command_id, other)).status, 409)
  })
}

test('only what is held is resolved', async () => {
  const given = createCommand()
  await settlement.app.inject({ method: 'POST', url: '/commands/ingest', payload: given })
  settlement.compliance.answer = approval
  const [processed, rejection] = [createCommand(), { to: 'rejected', reason: 'no' }]
  await settlement.app.inject(pushOfCommand(processed))
  assert.equal((await resolve(given.command_id, rejection)).status, 409)
  assert.equal((await resolve(processed.command_id, rejection)).status, 409)
  assert.equal((await resolve(randomUUID(), rejection)).status, 404)
  assert.deepEqual([typesOf(given.command_id), typesOf(processed.command_id)], [[], ['command_processed']])
})

test('a resolution says to what and why', async () => {
  const command_id = await held()
  for (const body of [
    {},
    { to: 'processed' },
    { to: 'held', reason: 'x' },
    { to: 'processed', reason: '' },
    { to: 'processed', reason: ' ' },
    { to: 'processed', reason: 'a\u0000' }
  ])
    assert.equal((await resolve(command_id, body)).status, 400, JSON.stringify(body))
  assert.equal((await resolve('payout-1', { to: 'processed', reason: 'x' })).status, 400)
  assert.deepEqual(typesOf(command_id), ['command_held'])
})

test('of operators who decide at once one is right; who says the same gets the same answer', async () => {
  const command_id = await held()
  const decide = () =>
    Promise.all([0, 1, 2, 3].map(n => resolve(command_id, { to: n % 2 ? 'processed' : 'rejected', reason: 'at once' })))
  // All of them are under way before the first one can go on.
  const { deciding } = await transaction(settlement.sql, async tx => {
    await lockCommands(tx, [command_id])
    const deciding = decide()
    await until('four that wait for the lock', async () => (await countWaiting(tx)) >= 4)
    return { deciding }
  })
  const answers = await deciding
  const agreed = answers.filter(one => one.status === 200)
  assert.deepEqual([agreed.length, answers.filter(one => one.status === 409).length], [2, 2])
  for (const { body } of agreed) assert.deepEqual(body, agreed[0]?.body)
  assert.equal(typesOf(command_id).length, 2)
})

test('the audit rows stay as they are', async () => {
  const command_id = await held()
  await resolve(command_id, { to: 'rejected', reason: 'no' })
  const { sql } = settlement
  const changes = () => [
    sql`update command_resolutions set reason = 'yes' where command_id = ${command_id}`,
    sql`delete from command_resolutions`,
    sql`truncate command_resolutions`
  ]
  for (const change of changes()) await assert.rejects(change, /permission denied for table command_resolutions/)
  await sql`grant update, delete, truncate on command_resolutions to current_user`
  for (const change of changes()) await assert.rejects(change, /command_resolutions is append-only/)
})

test('the audit row names the account that called', async () => {
  const command_id = await held()
  const callerIs = async () => ({ caller: 'operator@example.iam.gserviceaccount.com' })
  const app = createSettlement({ ...settlement, metrics: createMetrics(), serviceAuth: callerIs })
  const payload = { to: 'rejected', reason: 'no' }
  const answer = await app.inject({ method: 'POST', url: `/commands/${command_id}/resolution`, payload })
  assert.equal(answer.json().resolution.resolved_by, 'operator@example.iam.gserviceaccount.com')
  await app.close()
})
