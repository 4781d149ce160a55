import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandOutcomeId, decodeMessage, settlementEvents } from '@fusion-prime/events'
import type { AnswerOf, assessPortfolio, checkCompliance } from '@fusion-prime/operations'
import fc from 'fast-check'
import { announce, type Decision, decide, failureOf } from './command.ts'

type Level = AnswerOf<typeof assessPortfolio>['risk_level']
const risk = (risk_level: Level) => ({
  risk_score: risk_level === 'unpriceable' ? null : 0.4,
  risk_level,
  margin_available: risk_level === 'unpriceable' ? null : '12.5'
})
const compliance = (
  status: 'approved' | 'review' | 'rejected',
  approved: boolean
): AnswerOf<typeof checkCompliance> => ({
  check_id: 'c',
  status,
  approved,
  checks: ['kyc_verified'],
  reasons: [`because ${status}`]
})

const risks = {
  low: risk('low'),
  medium: risk('medium'),
  high: risk('high'),
  critical: risk('critical'),
  unpriceable: risk('unpriceable'),
  away: undefined
}
const checks = {
  approved: compliance('approved', true),
  contradictory: compliance('approved', false),
  review: compliance('review', false),
  rejected: compliance('rejected', false),
  // A rejection that says it is approved.
  absurd: compliance('rejected', true),
  away: undefined
}

/** What compliance said, then how the command comes out by what the risk engine said. */
const table: [keyof typeof checks, Record<keyof typeof risks, string>][] = [
  [
    'approved',
    {
      low: 'processed',
      medium: 'processed',
      high: 'held risk_high',
      critical: 'held risk_critical',
      unpriceable: 'held risk_unpriceable',
      away: 'processed'
    }
  ],
  ['contradictory', whatever('held compliance_review')],
  ['review', whatever('held compliance_review')],
  ['rejected', whatever('rejected compliance_rejected')],
  ['absurd', whatever('rejected compliance_rejected')],
  ['away', whatever('held compliance_unreachable')]
]

function whatever(outcome: string): Record<keyof typeof risks, string> {
  return { low: outcome, medium: outcome, high: outcome, critical: outcome, unpriceable: outcome, away: outcome }
}

const textOf = ({ status, reason }: Decision) => (reason === null ? status : `${status} ${reason}`)

for (const [said, outcomes] of table) {
  test(`compliance ${said}`, () => {
    // Object.entries forgets the keys' type.
    for (const [level, outcome] of Object.entries(outcomes) as [keyof typeof risks, string][]) {
      const decision = decide({ risk: risks[level], compliance: checks[said] })
      assert.equal(textOf(decision), outcome, `risk ${level}`)
    }
  })
}

test('what was found out goes with the decision', () => {
  const { risk: assessed, compliance: checked } = decide({ risk: risks.high, compliance: checks.review })
  assert.deepEqual(assessed, { risk_score: 0.4, risk_level: 'high', margin_available: '12.5', degraded: false })
  assert.deepEqual(checked, { status: 'review', checks: ['kyc_verified'], reasons: ['because review'] })
})

test('without the risk engine there is a fallback, marked as such; without compliance nothing is approved', () => {
  const { risk: assessed, compliance: checked } = decide({ risk: undefined, compliance: undefined })
  assert.deepEqual(assessed, { risk_score: 0.5, risk_level: 'medium', margin_available: null, degraded: true })
  assert.deepEqual(checked, { status: 'unreachable', checks: [], reasons: [] })
})

test('a command in an unknown asset can’t be done, one in a known asset can', () => {
  assert.equal(failureOf({ asset_symbol: 'ETH' }), undefined)
  for (const asset_symbol of ['DOGE', 'eth', 'toString']) {
    assert.deepEqual(failureOf({ asset_symbol }), {
      status: 'failed',
      reason: 'asset_unknown',
      risk: null,
      compliance: null
    })
  }
})

test('outcomes are messages of the catalogue; only the number of times tells two holds apart', () => {
  const command = {
    command_id: '0b4f7a66-7f0f-4c3c-9d2f-4d6a64a5a1d7',
    workflow_id: 'payout-1',
    escrow_address: null,
    correlation_id: 'request-1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  }
  const status = fc.constantFrom('processed' as const, 'held' as const, 'rejected' as const, 'failed' as const)
  fc.assert(
    fc.property(status, fc.option(fc.constant('some_reason')), fc.integer({ min: 1, max: 9 }), (status, reason, n) => {
      const message = announce(command, { status, reason, n })
      const decoded = decodeMessage(settlementEvents, message)
      assert.ok('received' in decoded)
      assert.equal(message.event_id, commandOutcomeId({ command_id: command.command_id, outcome: status, n }))
      assert.equal(message.ordering_key, 'payout-1')
      assert.equal(decoded.received.correlation_id, 'request-1')
      assert.equal(decoded.received.traceparent?.slice(0, 36), command.traceparent.slice(0, 36))
      assert.deepEqual(JSON.parse(message.data).reason, reason)
    })
  )
})
