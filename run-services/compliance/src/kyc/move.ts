import { complianceEvents, encodeMessage, uuid8 } from '@fusion-prime/events'
import { appendOutbox, type Sql } from '@fusion-prime/postgres'
import { userWorkflow } from '../announce.ts'
import type { KycStatus } from './kyc.ts'
import { appendTransition, type KycCase, saveCase } from './store.ts'

/** Who does something, when, and in which correlation. */
export type Act = { actor: string; at: Date; correlation_id: string; traceparent: string }

export type Move = { to: KycStatus; reason: string | null }

/** Writes a transition of a case whose user is locked, and announces it; the caller has seen that it is allowed. */
export async function move<Case extends KycCase>(
  sql: Sql,
  known: Case,
  { to, reason, act }: Move & { act: Act }
): Promise<Case> {
  const moved = {
    ...known,
    status: to,
    verified_at: to === 'verified' ? act.at : known.verified_at,
    transitions: known.transitions + 1,
    updated_at: act.at
  }
  await saveCase(sql, moved)
  await recordMove(sql, moved, { from: known.status, reason, act })
  return moved
}

/** History and announcement of the state that a case came to last. */
export async function recordMove(
  sql: Sql,
  { case_id, user_id, status, transitions: n }: KycCase,
  { from, reason, act }: { from: KycStatus | null; reason: string | null; act: Act }
): Promise<void> {
  const { actor, at } = act
  await appendTransition(sql, { case_id, n, from_status: from, to_status: status, reason, actor, at })
  const event = {
    event_id: uuid8(`${case_id}:${status}:${n}`),
    event_type: 'kyc_status_changed' as const,
    schema_version: 1 as const,
    escrow_address: null,
    workflow_id: userWorkflow(user_id),
    occurred_at: at.toISOString(),
    user_id,
    case_id,
    status,
    previous_status: from
  }
  await appendOutbox(sql, [encodeMessage(complianceEvents, event, act)])
}
