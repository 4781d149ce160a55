import {
  type CommandOutcome,
  type CommandOutcomeEvent,
  type SettlementOutcome,
  subscriptions
} from '@fusion-prime/events'
import { type ConsumeDeps, consume, type Delivery } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { type Outcome, saveOutcomes } from './store.ts'

type SettlementEvent = SettlementOutcome | CommandOutcomeEvent

const outcomes: Record<CommandOutcomeEvent['event_type'], CommandOutcome> = {
  command_processed: 'processed',
  command_held: 'held',
  command_rejected: 'rejected',
  command_failed: 'failed'
}

/** What settlement concluded: outcomes of commands are kept beside the assessments that they asked for; the rest is in the positions already. */
export function settlementEvents(deps: ConsumeDeps): FastifyPluginAsync {
  return consume(subscriptions['settlement.events.v1-risk-engine'], {
    logAs: 'settlement_event_processed',
    logFields: ({ event_type, escrow_address }) => ({ event_type, escrow_address }),
    handle: async (sql, deliveries) => {
      const given = deliveries.flatMap(outcomeOf)
      if (given.length > 0) await saveOutcomes(sql, given)
      return []
    }
  })(deps)
}

function outcomeOf({ body, correlation_id }: Delivery<SettlementEvent, undefined>): Outcome[] {
  if (!('command_id' in body)) return []
  const { command_id, workflow_id, escrow_address, event_type, reason } = body
  return [{ command_id, workflow_id, correlation_id, escrow_address, outcome: outcomes[event_type], reason }]
}
