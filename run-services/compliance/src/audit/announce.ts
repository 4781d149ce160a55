import { complianceEvents, encodeMessage, type OutgoingMessage, uuid8 } from '@fusion-prime/events'
import { appendOutbox, type Sql } from '@fusion-prime/postgres'
import { userWorkflow } from '../announce.ts'
import type { Act } from '../kyc/move.ts'
import type { Decision } from './decision.ts'
import { type Head, saveDay } from './store.ts'

/** Under the escrow that the payment belongs to, if the caller named one. */
export function announceDecision(
  { check_id, input, status, reasons, decided_at }: Decision,
  act: Act
): OutgoingMessage {
  const { user_id, workflow_id } = input
  const [, escrow_address = null] = /^escrow:[0-9]+:(0x[0-9a-f]{40})$/.exec(workflow_id ?? '') ?? []
  const event = {
    event_id: uuid8(`${check_id}:decided`),
    event_type: 'compliance_decided' as const,
    schema_version: 1 as const,
    escrow_address,
    workflow_id: workflow_id ?? userWorkflow(user_id),
    occurred_at: decided_at,
    check_id,
    user_id,
    status,
    reasons
  }
  return encodeMessage(complianceEvents, event, act)
}

/** Keeps and announces the head at the end of a day, once: whoever kept the message can prove a later change. */
export async function announceDay(
  sql: Sql,
  { day, count, hash, act }: Head & { day: string; act: Act }
): Promise<void> {
  if (!(await saveDay(sql, { day, count, hash }))) return
  const event = {
    event_id: uuid8(`audit:${day}`),
    event_type: 'audit_head' as const,
    schema_version: 1 as const,
    escrow_address: null,
    workflow_id: 'compliance:audit',
    occurred_at: act.at.toISOString(),
    day,
    hash,
    count
  }
  await appendOutbox(sql, [encodeMessage(complianceEvents, event, act)])
}
