import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createCommand, createTestSettlement, pushOfCommand, type TestSettlement } from './command-fixture.ts'

let settlement: TestSettlement
before(async () => {
  settlement = await createTestSettlement()
})
after(() => settlement?.close())

const get = async (url: string) => {
  const answer = await settlement.app.inject(url)
  return { status: answer.statusCode, body: answer.json() }
}
const add = async (values: Record<string, unknown>) => {
  const payload = createCommand(values)
  await settlement.app.inject({ method: 'POST', url: '/commands/ingest', payload })
  return payload
}

test('a command that nobody gave is not found', async () => {
  assert.equal((await get(`/commands/${randomUUID()}/status`)).status, 404)
  assert.equal((await get('/commands/payout-1/status')).status, 400)
})

test('pages hold every command once, newest first, while others are added', async () => {
  const account_ref = 'pages'
  const given = []
  for (let index = 0; index < 25; index += 1) given.push((await add({ account_ref })).command_id)
  // Many of the same instant, so that the id decides.
  await settlement.sql`update settlement_commands set created_at = '2026-01-01T00:00:00.001Z' where command_id = any (${given.slice(0, 10)}::uuid[])`
  const seen: { command_id: string; created_at: string }[] = []
  let cursor = ''
  for (let page = 0; page < 20; page += 1) {
    const { body } = await get(`/commands?account_ref=${account_ref}&limit=7${cursor && `&cursor=${cursor}`}`)
    seen.push(...body.items)
    if (page === 1) await add({ account_ref })
    if (body.next_cursor === null) break
    cursor = body.next_cursor
  }
  assert.deepEqual(seen.map(one => one.command_id).sort(), given.sort())
  const times = seen.map(one => one.created_at)
  assert.deepEqual(times, times.toSorted().reverse())
})

test('commands are found by account and status; a command looks alike in a list and alone', async () => {
  const account_ref = 'filtered'
  const processed = await add({ account_ref })
  const received = await add({ account_ref })
  await settlement.app.inject(pushOfCommand(processed))
  const ids = async (query: string) =>
    (await get(`/commands?${query}`)).body.items.map((one: { command_id: string }) => one.command_id)
  assert.deepEqual(await ids(`account_ref=${account_ref}&status=received`), [received.command_id])
  assert.deepEqual(await ids(`account_ref=${account_ref}&status=processed`), [processed.command_id])
  assert.deepEqual(await ids(`account_ref=${account_ref}&status=held`), [])
  assert.deepEqual(await ids('account_ref=nobody'), [])
  const [listed] = (await get(`/commands?account_ref=${account_ref}&status=processed`)).body.items
  assert.deepEqual(listed, (await get(`/commands/${processed.command_id}/status`)).body)
  assert.deepEqual(Object.keys(listed).sort(), [
    'account_ref',
    'amount',
    'asset_symbol',
    'chain_id',
    'command_id',
    'command_type',
    'compliance',
    'created_at',
    'escrow_address',
    'payee',
    'payer',
    'reason',
    'resolution',
    'risk',
    'source_event_id',
    'status',
    'updated_at',
    'workflow_id'
  ])
})

test('limits, filters and cursors are checked', async () => {
  const impossible = ['2026-13-41T99:99:99.999Z', '2026-02-30T00:00:00.000Z', '0000-01-01T00:00:00.000Z'].map(
    time => `cursor=${Buffer.from(`${time} ${randomUUID()}`).toString('base64url')}`
  )
  const noId = Buffer.from(`2026-01-01T00:00:00.000Z ${'-'.repeat(36)}`).toString('base64url')
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'status=unknown',
    'cursor=x',
    ...impossible,
    `cursor=${noId}`,
    'account_ref=a%00b'
  ])
    assert.equal((await get(`/commands?${query}`)).status, 400, query)
  assert.equal((await get('/commands?limit=200')).status, 200)
})
