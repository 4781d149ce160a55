import { subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { discount } from './store.ts'

/** What became of commands: what was rejected or failed moves no money, so it doesn't count towards the limits of a day. */
export function commandOutcomes(deps: ConsumeDeps): FastifyPluginAsync {
  return consume(subscriptions['settlement.events.v1-compliance'], {
    logAs: 'settlement_event_processed',
    logFields: body => ({ event_type: body.event_type, escrow_address: body.escrow_address }),
    handle: async (sql, events) => {
      const failed = events.flatMap(({ body }) =>
        body.event_type === 'command_rejected' || body.event_type === 'command_failed' ? body.command_id : []
      )
      if (failed.length > 0) await discount(sql, failed)
      return []
    }
  })(deps)
}
