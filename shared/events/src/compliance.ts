import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { escrowWorkflow, uuid8 } from './ids.ts'
import { Address, Nullable, Reference, SafeInteger, UtcTime, Uuid } from './scalars.ts'

const common = {
  event_id: Uuid,
  schema_version: Type.Literal(1),
  /** Null where it isn’t about one escrow. */
  escrow_address: Nullable(Address),
  workflow_id: Reference,
  occurred_at: UtcTime
}

const occurred_at = '2026-01-31T12:00:00.000Z'
const escrow = { chain_id: 31337, escrow_address: '0xa16e02e87b7454126e5e10d957a927a7f5b5d2be' }
const check_id = '5f0c954e-93ae-4b8a-8f0e-6b3f4a2f7c11'

const KycStatus = Type.Enum(['created', 'pending', 'verified', 'rejected', 'review', 'expired'])

export const KycStatusChanged = defineEvent({
  type: 'kyc_status_changed',
  version: 1,
  meaning: 'A user’s KYC case moved to another state. No personal data.',
  body: Type.Object({
    event_type: Type.Literal('kyc_status_changed'),
    ...common,
    user_id: Reference,
    case_id: Uuid,
    status: KycStatus,
    previous_status: Nullable(KycStatus)
  }),
  example: {
    event_id: uuid8(`${check_id}:verified:3`),
    event_type: 'kyc_status_changed',
    schema_version: 1,
    escrow_address: null,
    workflow_id: 'user:user-7',
    occurred_at,
    user_id: 'user-7',
    case_id: check_id,
    status: 'verified',
    previous_status: 'pending'
  }
})

export const ComplianceDecided = defineEvent({
  type: 'compliance_decided',
  version: 1,
  meaning: 'A check was decided: approved, for review, or rejected.',
  body: Type.Object({
    event_type: Type.Literal('compliance_decided'),
    ...common,
    check_id: Reference,
    user_id: Reference,
    status: Type.Union([Type.Literal('approved'), Type.Literal('review'), Type.Literal('rejected')]),
    reasons: Type.Array(Type.String())
  }),
  example: {
    event_id: uuid8(`${check_id}:decided`),
    event_type: 'compliance_decided',
    schema_version: 1,
    escrow_address: escrow.escrow_address,
    workflow_id: escrowWorkflow(escrow),
    occurred_at,
    check_id,
    user_id: 'user-7',
    status: 'rejected',
    reasons: ['payee_sanctioned']
  }
})

export const SanctionsMatch = defineEvent({
  type: 'sanctions_match',
  version: 1,
  meaning: 'A party of an escrow is on a sanctions list, found when it appeared or when the list changed.',
  body: Type.Object({
    event_type: Type.Literal('sanctions_match'),
    ...common,
    chain_id: SafeInteger,
    address: Address,
    role: Type.Union([Type.Literal('payer'), Type.Literal('payee'), Type.Literal('arbiter')]),
    list: Type.String(),
    list_version: Type.String()
  }),
  example: {
    event_id: uuid8(`${escrowWorkflow(escrow)}:payee:match:demo-1`),
    event_type: 'sanctions_match',
    schema_version: 1,
    ...escrow,
    workflow_id: escrowWorkflow(escrow),
    occurred_at,
    address: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
    role: 'payee',
    list: 'OFAC SDN',
    list_version: '2026-01-31'
  }
})

export const AuditHead = defineEvent({
  type: 'audit_head',
  version: 1,
  meaning: 'The head of the chain of decisions at the end of a day: whoever keeps it can prove a later change.',
  body: Type.Object({
    event_type: Type.Literal('audit_head'),
    ...common,
    day: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
    hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    count: SafeInteger
  }),
  example: {
    event_id: uuid8('audit:2026-01-31'),
    event_type: 'audit_head',
    schema_version: 1,
    escrow_address: null,
    workflow_id: 'compliance:audit',
    occurred_at,
    day: '2026-01-31',
    hash: '0'.repeat(64),
    count: 0
  }
})

export const complianceEvents = defineTopic({
  name: 'compliance-events',
  meaning: 'KYC and AML decisions, matches with sanctions lists, and the daily head of the audit chain.',
  orderingKey: 'escrow_address',
  orderingKeyElse: 'workflow_id',
  publishers: ['compliance'],
  events: [KycStatusChanged, ComplianceDecided, SanctionsMatch, AuditHead],
  attributes: [],
  freeAttributes: {},
  derivedIds: () => ({})
})

export type ComplianceEvent = BodyOf<(typeof complianceEvents.events)[number]>
