import { encodeMessage, riskEvents, userEventId } from '@fusion-prime/events'
import type { OutboxMessage } from '@fusion-prime/postgres'
import type { Cause } from '../margin/announce.ts'
import type { Assessment } from '../portfolio/portfolio.ts'

/** How a user stood last: null before the first assessment. */
export type Standing = { user_id: string; risk_level: Assessment['risk_level'] | null; level_changes: number }

/** How a user stands after an assessment, and what there is to say of it: another level than before. */
export function applyAssessment(
  before: Standing,
  { risk_level, risk_score }: Pick<Assessment, 'risk_level' | 'risk_score'>,
  { cause, at }: { cause: Cause; at: Date }
): { after: Standing; outgoing: OutboxMessage[] } {
  if (risk_level === before.risk_level) return { after: before, outgoing: [] }
  const { user_id } = before
  const n = before.level_changes + 1
  const event_type = 'risk_level_changed' as const
  const body = {
    event_id: userEventId({ user_id, event_type, n }),
    event_type,
    schema_version: 1 as const,
    user_id,
    risk_level,
    previous_risk_level: before.risk_level,
    risk_score,
    occurred_at: at.toISOString()
  }
  return { after: { user_id, risk_level, level_changes: n }, outgoing: [encodeMessage(riskEvents, body, cause)] }
}
