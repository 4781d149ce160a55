import {
  appendFacts,
  type EscrowKey,
  escrowKeys,
  loadHistories,
  lockEscrows,
  projectEscrow,
  timelineOf
} from '@fusion-prime/escrow'
import { describeFact, type EscrowFact, subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume, type Delivery } from '@fusion-prime/http'
import { childTraceparent, type Log } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { announce } from './escrow.ts'
import { saveEscrows } from './store.ts'

export type EscrowEventsDeps = ConsumeDeps & {
  /** The lock and the fold's order; a test takes them away to see that the checks notice. */
  lock?: typeof lockEscrows
  timeline?: typeof timelineOf
}

/** Facts of the chain, at every level: stored, folded, and announced once they are final. */
export function escrowEvents(deps: EscrowEventsDeps): FastifyPluginAsync {
  const { log, lock = lockEscrows, timeline: order = timelineOf } = deps
  return consume(subscriptions['escrow-events-settlement'], {
    logAs: 'escrow_event_processed',
    logFields: describeFact,
    handle: async (sql, facts) => {
      const keys = escrowKeys(facts)
      await lock(sql, keys)
      await appendFacts(sql, facts)
      const timelines = (await loadHistories(sql, keys)).map(order)
      const escrows = timelines.map(projectEscrow)
      await saveEscrows(sql, escrows)
      for (const { anomalies, escrow_address } of escrows)
        if (anomalies.length > 0) warn(log, { anomalies, escrow_address })
      return keys.flatMap((key, index) => {
        const final = facts.find(fact => fact.body.finality === 'finalized' && isOf(key, fact))
        return final ? announce(timelines[index] ?? [], childTraceparent(final.traceparent)) : []
      })
    }
  })(deps)
}

const isOf = (key: EscrowKey, { body }: Delivery<EscrowFact, undefined>): boolean =>
  body.chain_id === key.chain_id && body.escrow_address === key.escrow_address

const warn = (log: Log, fields: { anomalies: string[]; escrow_address: string }): void =>
  log.error(fields, 'escrow_anomaly')
