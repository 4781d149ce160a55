import { appendFacts, escrowKeys, loadHistories, lockEscrows, projectEscrow, timelineOf } from '@fusion-prime/escrow'
import { describeFact, subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { type ScreenDeps, screenAddresses } from '../screening/screen.ts'
import { type EscrowParty, partiesOf } from './party.ts'
import { replaceParties } from './store.ts'

/** Facts of the chain, once per incarnation, and their reverts: stored, folded, kept as parties, and the parties screened. */
export function escrowEvents(deps: ConsumeDeps & ScreenDeps): FastifyPluginAsync {
  return consume(subscriptions['escrow-events-compliance'], {
    logAs: 'escrow_event_processed',
    logFields: describeFact,
    handle: async (sql, facts) => {
      const keys = escrowKeys(facts)
      await lockEscrows(sql, keys)
      await appendFacts(sql, facts)
      const timelines = (await loadHistories(sql, keys)).map(timelineOf)
      const parties = timelines.flatMap((timeline): EscrowParty[] => {
        const { chain_id, escrow_address, status } = projectEscrow(timeline)
        return partiesOf(timeline).map(party => ({ chain_id, escrow_address, status, ...party }))
      })
      await replaceParties(sql, { keys, parties })
      const addresses = parties.map(party => party.address)
      return (await screenAddresses(sql, { ...deps, addresses, escrows: keys })).messages
    }
  })(deps)
}
