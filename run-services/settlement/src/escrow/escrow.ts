import type { StandingFact } from '@fusion-prime/escrow'
import {
  encodeMessage,
  escrowWorkflow,
  type OutgoingMessage,
  outcomeId,
  type SettlementOutcome,
  settlementEvents
} from '@fusion-prime/events'

type OutcomeType = SettlementOutcome['event_type']

/** What is settled for good, by the final facts alone: the deposit, and the first ending. Amounts are the deposit's. */
export function outcomesOf(timeline: readonly StandingFact[]): SettlementOutcome[] {
  const final = timeline.filter(fact => fact.counts && fact.finality === 'finalized')
  const deployment = final.find(fact => fact.body.event_type === 'EscrowDeployed')
  if (deployment?.body.event_type !== 'EscrowDeployed') return []
  const { chain_id, escrow_address, amount, asset_symbol } = deployment.body
  const outcome = (event_type: OutcomeType, { body: { fact_id } }: StandingFact): SettlementOutcome => {
    const event_id = outcomeId(fact_id, event_type)
    return { event_type, event_id, schema_version: 1, fact_id, chain_id, escrow_address, amount, asset_symbol }
  }
  const ending = final.find(fact => endings[fact.body.event_type] !== undefined)
  const ended = ending && endings[ending.body.event_type]
  const funded = outcome('escrow_funded', deployment)
  return ending && ended ? [funded, outcome(ended, ending)] : [funded]
}

const endings: Partial<Record<StandingFact['body']['event_type'], OutcomeType>> = {
  EscrowReleased: 'escrow_released',
  EscrowRefunded: 'escrow_refunded'
}

/** The outcomes as messages; a replay gives the same ids. */
export const announce = (timeline: readonly StandingFact[], traceparent: string): OutgoingMessage[] =>
  outcomesOf(timeline).map(outcome => {
    const correlation_id = escrowWorkflow(outcome)
    return encodeMessage(settlementEvents, outcome, { correlation_id, traceparent })
  })
