import type { ComplianceEvent, RiskEvent } from '@fusion-prime/events'

export type NoticeKind = 'margin_status' | 'risk_level' | 'kyc_status'

/** What a service says of an account; the newest of a kind counts. */
export type AccountNotice = {
  account_ref: string
  kind: NoticeKind
  value: string
  event_id: string
  occurred_at: string
}
export type DecisionNotice = Extract<ComplianceEvent, { event_type: 'compliance_decided' }>
export type SanctionsNotice = Extract<ComplianceEvent, { event_type: 'sanctions_match' }>

/** Undefined for what isn't about an account's state. */
export function accountNotice(event: RiskEvent | ComplianceEvent): AccountNotice | undefined {
  switch (event.event_type) {
    case 'margin_status_changed':
      return noticeOf(event, { kind: 'margin_status', value: event.status })
    case 'risk_level_changed':
      return noticeOf(event, { kind: 'risk_level', value: event.risk_level })
    case 'kyc_status_changed':
      return noticeOf(event, { kind: 'kyc_status', value: event.status })
    default:
      return undefined
  }
}

const noticeOf = (
  { user_id: account_ref, event_id, occurred_at }: { user_id: string; event_id: string; occurred_at: string },
  said: Pick<AccountNotice, 'kind' | 'value'>
): AccountNotice => ({ account_ref, ...said, event_id, occurred_at })
