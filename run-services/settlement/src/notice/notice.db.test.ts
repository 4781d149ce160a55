import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  AuditHead,
  ComplianceDecided,
  type ComplianceEvent,
  complianceEvents,
  encodeMessage,
  KycStatusChanged,
  MarginStatusChanged,
  type RiskEvent,
  RiskLevelChanged,
  riskEvents,
  SanctionsMatch
} from '@fusion-prime/events'
import { PUSH_PREFIX } from '@fusion-prime/local/testing/facts.ts'
import { createCommand, createTestSettlement, pushOfCommand, type TestSettlement } from '../command/command-fixture.ts'

let settlement: TestSettlement
before(async () => {
  settlement = await createTestSettlement()
})
after(() => settlement?.close())

const context = { correlation_id: 'c', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` }
async function push({ topic, data, attributes, ordering_key }: ReturnType<typeof encodeMessage>) {
  const message = { data: Buffer.from(data).toString('base64'), messageId: 'm', attributes, orderingKey: ordering_key }
  const payload = { message, subscription: `${PUSH_PREFIX}${topic}-settlement` }
  const answer = await settlement.app.inject({ method: 'POST', url: `/pubsub/${topic}`, payload })
  assert.equal(answer.statusCode, 204)
}
const fromRisk = (event: RiskEvent) => push(encodeMessage(riskEvents, event, context))
const fromCompliance = (event: ComplianceEvent) => push(encodeMessage(complianceEvents, event, context))
const noticesOf = async (account: string) => (await settlement.app.inject(`/accounts/${account}/notices`)).json()
const at = (minute: number) => ({ event_id: randomUUID(), occurred_at: `2026-02-01T12:0${minute}:00.000Z` })

test('nobody said anything of an account', async () => {
  assert.deepEqual(await noticesOf('nobody'), {
    account_ref: 'nobody',
    margin_status: null,
    risk_level: null,
    kyc_status: null,
    decisions: [],
    sanctions_matches: []
  })
})

test('the newest counts, in whatever order they come, one by one and at once', async () => {
  const margin = (minute: number, status: 'WARNING' | 'MARGIN_CALL' | 'HEALTHY') => ({
    ...MarginStatusChanged.example,
    user_id: 'ann',
    status,
    ...at(minute)
  })
  await fromRisk(margin(2, 'WARNING'))
  await fromRisk(margin(1, 'HEALTHY'))
  assert.deepEqual((await noticesOf('ann')).margin_status, {
    value: 'WARNING',
    occurred_at: '2026-02-01T12:02:00.000Z'
  })
  await Promise.all([
    fromRisk(margin(3, 'HEALTHY')),
    fromRisk(margin(5, 'MARGIN_CALL')),
    fromRisk(margin(4, 'WARNING')),
    fromRisk({ ...RiskLevelChanged.example, user_id: 'ann', risk_level: 'critical', ...at(1) }),
    fromCompliance({ ...KycStatusChanged.example, user_id: 'ann', status: 'expired', ...at(1) })
  ])
  const { margin_status, risk_level, kyc_status } = await noticesOf('ann')
  assert.deepEqual([margin_status.value, risk_level.value, kyc_status.value], ['MARGIN_CALL', 'critical', 'expired'])
})

test('an operator sees the decisions about an account, and matches of the parties of its escrows', async () => {
  const command = createCommand({ account_ref: 'bob' })
  const { escrow_address, chain_id } = SanctionsMatch.example
  assert.deepEqual([command.escrow_address, command.chain_id], [escrow_address, chain_id])
  await settlement.app.inject(pushOfCommand(command))
  const rejected = { ...ComplianceDecided.example, user_id: 'bob', ...at(2) }
  const match = { ...SanctionsMatch.example, ...at(1) }
  const elsewhere = { ...match, ...at(1), chain_id: 1 }
  await Promise.all([match, match, elsewhere, rejected, { ...AuditHead.example, ...at(1) }].map(fromCompliance))
  await fromCompliance({ ...rejected, status: 'review', reasons: [], ...at(1) })
  const { decisions, sanctions_matches } = await noticesOf('bob')
  assert.deepEqual(
    decisions.map((one: { status: string; reasons: string[] }) => [one.status, one.reasons]),
    [
      ['rejected', ['payee_sanctioned']],
      ['review', []]
    ]
  )
  const { address, role, list, list_version, occurred_at } = match
  assert.deepEqual(sanctions_matches, [{ chain_id, escrow_address, address, role, list, list_version, occurred_at }])
  assert.equal((await noticesOf(address.toUpperCase().replace('0X', '0x'))).sanctions_matches.length, 2)
  assert.deepEqual((await noticesOf('nobody')).sanctions_matches, [])
})
