import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AuditHead,
  ComplianceDecided,
  KycStatusChanged,
  MarginStatusChanged,
  RiskLevelChanged,
  SanctionsMatch
} from '@fusion-prime/events'
import { accountNotice } from './notice.ts'

test('three kinds of events are about an account’s state', () => {
  const said = [MarginStatusChanged.example, RiskLevelChanged.example, KycStatusChanged.example].map(accountNotice)
  assert.deepEqual(
    said.map(notice => [notice?.account_ref, notice?.kind, notice?.value, notice?.occurred_at]),
    [
      ['user-7', 'margin_status', 'MARGIN_CALL', '2026-01-31T12:00:00.000Z'],
      ['user-7', 'risk_level', 'high', '2026-01-31T12:00:00.000Z'],
      ['user-7', 'kyc_status', 'verified', '2026-01-31T12:00:00.000Z']
    ]
  )
  for (const { example } of [ComplianceDecided, SanctionsMatch, AuditHead])
    assert.equal(accountNotice(example), undefined)
})
