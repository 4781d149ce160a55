import { appendFacts, escrowKeys, loadHistories, lockEscrows, projectEscrow, timelineOf } from '@fusion-prime/escrow'
import { describeFact, subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { positionsOf, wholeUnitsOf } from './position.ts'
import { replacePositions } from './store.ts'

/** Facts of the chain, once per incarnation, and their reverts: stored, folded, and kept as positions. */
export function escrowEvents(deps: ConsumeDeps): FastifyPluginAsync {
  const { log } = deps
  return consume(subscriptions['escrow-events-risk-engine'], {
    logAs: 'escrow_event_processed',
    logFields: describeFact,
    handle: async (sql, facts) => {
      const keys = escrowKeys(facts)
      await lockEscrows(sql, keys)
      await appendFacts(sql, facts)
      const escrows = (await loadHistories(sql, keys)).map(history => projectEscrow(timelineOf(history)))
      const positions = escrows.flatMap(positionsOf)
      await replacePositions(sql, { keys, positions })
      const unknown = positions.filter(position => wholeUnitsOf(position) === null)
      const committed = () => {
        for (const { asset_symbol, escrow_address } of unknown)
          log.error({ asset_symbol, escrow_address }, 'position_asset_unknown')
      }
      return { outgoing: [], committed }
    }
  })(deps)
}
