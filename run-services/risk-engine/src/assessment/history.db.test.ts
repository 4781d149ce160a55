import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CommandProcessed,
  EscrowFundedOutcome,
  type EventOf,
  encodeMessage,
  settlementEvents,
  uuid8
} from '@fusion-prime/events'
import { PUSH_PREFIX } from '@fusion-prime/local/testing/facts.ts'
import { createTestRisk } from '../portfolio/testing.ts'

let risk: Awaited<ReturnType<typeof createTestRisk>>
before(async () => {
  risk = await createTestRisk()
})
after(() => risk?.close())

type Outcome = 'processed' | 'held' | 'rejected' | 'failed'

/** A push of what settlement tells, for `inject`. */
function pushed(body: EventOf<typeof settlementEvents>, correlation_id: string) {
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  const { topic, data, attributes, event_id } = encodeMessage(settlementEvents, body, { correlation_id, traceparent })
  const message = { data: Buffer.from(data).toString('base64'), messageId: event_id, attributes }
  const payload = { message, subscription: `${PUSH_PREFIX}settlement.events.v1-risk-engine` }
  return { method: 'POST' as const, url: `/pubsub/${topic}`, payload }
}

/** The command is known by its name; `n` tells its outcomes of a kind apart. */
async function tell(
  name: string,
  { outcome, reason = null, n = 1 }: { outcome: Outcome; reason?: string | null; n?: number }
) {
  const [command_id, event_id] = [uuid8(name), uuid8(`${name}:${outcome}:${n}`)]
  const event_type = `command_${outcome}` as const
  const body = {
    ...CommandProcessed.example,
    event_type,
    event_id,
    command_id,
    workflow_id: `workflow of ${name}`.replaceAll(' ', '-'),
    reason
  }
  assert.equal((await risk.app.inject(pushed(body, `${name}-asked`))).statusCode, 204)
}

const assess = (user_id: string, { correlation_id = 'any', amount = '1' } = {}) =>
  risk.ask(
    '/risk/portfolio',
    { user_id, positions: [{ asset: 'ETH', amount }] },
    { headers: { 'x-correlation-id': correlation_id } }
  )
type Item = Record<string, unknown> & { outcomes: { outcome: string; reason: string | null }[] }
async function history(user_id: string, query = '') {
  const { status, items, next_cursor } = await risk.ask(`/risk/users/${user_id}/history${query}`)
  // The route's schema says so.
  return { status, items: (items ?? []) as Item[], next_cursor: next_cursor as string | null }
}

test('the history has every answer as it was given, newest first', async () => {
  const answers = [await assess('plain'), await assess('plain', { amount: '2', correlation_id: 'second' })]
  const { items, next_cursor } = await history('plain')
  assert.equal(next_cursor, null)
  assert.deepEqual(
    items,
    answers.toReversed().map(({ status: _, ...answer }, index) => ({
      ...answer,
      assessed_at: risk.at.toISOString(),
      correlation_id: index === 0 ? 'second' : 'any',
      outcomes: []
    }))
  )
})

test('pages partition the history while it grows', async () => {
  for (let index = 1; index <= 5; index += 1) await assess('reader', { amount: String(index) })
  const seen: unknown[] = []
  for (let query: string | null = '?limit=2'; query; ) {
    const { items, next_cursor } = await history('reader', query)
    seen.push(...items.map(item => item.total_value_usd))
    await assess('reader', { amount: '9' })
    query = next_cursor && `?limit=2&cursor=${next_cursor}`
  }
  assert.deepEqual(seen, ['19706.7', '15765.36', '11824.02', '7882.68', '3941.34'])
})

test('a user who was never assessed has no history; an address is read in any case; a strange cursor is refused', async () => {
  assert.deepEqual(await history('nobody'), { status: 200, items: [], next_cursor: null })
  const address = `0x${'aB'.repeat(20)}`
  await assess(address)
  assert.equal((await history(address.toLowerCase())).items.length, 1)
  assert.equal((await history(address)).items.length, 1)
  for (const query of ['?cursor=x', '?cursor=-1', '?cursor=9999999999999999999', '?limit=0', '?limit=201'])
    assert.equal((await history('plain', query)).status, 400)
})

const outcomes = async (user_id: string) =>
  (await history(user_id)).items[0]?.outcomes.map(({ outcome, reason }) => [outcome, reason])

test('what became of the command stands beside its assessment', async () => {
  await assess('payer', { correlation_id: 'payout-asked' })
  assert.deepEqual(await outcomes('payer'), [])
  await tell('payout', { outcome: 'held', reason: 'risk_high' })
  assert.deepEqual(await outcomes('payer'), [['held', 'risk_high']])
  await tell('payout', { outcome: 'processed' })
  assert.deepEqual(await outcomes('payer'), [['processed', null]])
})

test('a late message that it was held doesn’t undo the end; one batch has both', async () => {
  await assess('late', { correlation_id: 'late-asked' })
  await tell('late', { outcome: 'rejected', reason: 'compliance_rejected' })
  await tell('late', { outcome: 'held', reason: 'compliance_review' })
  assert.deepEqual(await outcomes('late'), [['rejected', 'compliance_rejected']])

  await assess('batch', { correlation_id: 'batch-asked' })
  await Promise.all([
    tell('batch', { outcome: 'held', reason: 'compliance_unreachable' }),
    tell('batch', { outcome: 'failed', reason: 'asset_unknown' }),
    tell('batch', { outcome: 'held', reason: 'compliance_review', n: 2 })
  ])
  assert.deepEqual(await outcomes('batch'), [['failed', 'asset_unknown']])
})

test('outcomes of escrows are acknowledged, and nothing is kept of them', async () => {
  const counted = async () => (await risk.sql`select from command_outcomes`).count
  const before = await counted()
  assert.equal((await risk.app.inject(pushed(EscrowFundedOutcome.example, 'escrow'))).statusCode, 204)
  assert.equal(await counted(), before)
  const line = risk.lines.find(one => one.event_type === 'escrow_funded')
  assert.deepEqual([line?.message, line?.outcome], ['settlement_event_processed', 'handled'])
})
