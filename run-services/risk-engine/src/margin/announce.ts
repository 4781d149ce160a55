import { encodeMessage, marginAlerts, riskEvents, userEventId } from '@fusion-prime/events'
import type { OutboxMessage } from '@fusion-prime/postgres'
import { type AlertState, nextAlert } from './alerts.ts'
import type { Evaluation, MarginStatus } from './margin.ts'

/** What was last known of a watched user's margin. */
export type WatchState = {
  user_id: string
  /** Null before the first evaluation. */
  status: MarginStatus | null
  /** The last score that was known; UNPRICEABLE leaves it. Null without debt. */
  health_score: number | null
  alerted: AlertState
  /** Messages about the user so far. */
  messages: number
}

/** What a message is sent because of. */
export type Cause = { correlation_id: string; traceparent: string }

/** The state after an evaluation, and what there is to say: an alert at a crossing, an event at a change of status. */
export function applyEvaluation(
  before: WatchState,
  evaluation: Evaluation,
  { cause, at }: { cause: Cause; at: Date }
): { after: WatchState; outgoing: OutboxMessage[] } {
  const { user_id } = before
  const { status } = evaluation
  const { state: alerted, alert } = nextAlert(before.alerted, evaluation)
  const score = evaluation.status === 'UNPRICEABLE' ? null : evaluation.health_score
  const outgoing: OutboxMessage[] = []
  const identify = (event_type: string) => {
    const event_id = userEventId({ user_id, event_type, n: before.messages + outgoing.length + 1 })
    return { event_id, schema_version: 1, user_id, occurred_at: at.toISOString() } as const
  }
  if (alert && score !== null && evaluation.status !== 'UNPRICEABLE') {
    const { below, ...kind } = alert
    const { total_collateral_usd, total_borrow_usd, liquidation_price_drop_percent } = evaluation
    const body = {
      ...kind,
      ...identify(kind.event_type),
      health_score: score,
      previous_health_score: before.health_score,
      message: `margin health ${score.toFixed(2)} is below ${below}`,
      total_collateral_usd,
      total_borrow_usd,
      liquidation_price_drop_percent
    }
    outgoing.push(encodeMessage(marginAlerts, body, cause))
  }
  if (status !== before.status) {
    const event_type = 'margin_status_changed' as const
    const change = { event_type, status, previous_status: before.status, health_score: score }
    outgoing.push(encodeMessage(riskEvents, { ...identify(event_type), ...change }, cause))
  }
  const health_score = status === 'UNPRICEABLE' ? before.health_score : score
  return { after: { user_id, status, health_score, alerted, messages: before.messages + outgoing.length }, outgoing }
}
