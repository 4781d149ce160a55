import { appendFacts, escrowKeys, loadHistories, lockEscrows, projectEscrow, timelineOf } from '@fusion-prime/escrow'
import { describeFact, escrowWorkflow, subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import { childTraceparent, type Log } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { maySettle } from '../ledger/ledger.ts'
import { settle } from '../ledger/settle.ts'
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
      const arrived = Map.groupBy(facts, fact => escrowWorkflow(fact.body))
      const touched = keys.flatMap((key, index) => {
        const [timeline = [], news = []] = [timelines[index], arrived.get(escrowWorkflow(key))]
        return maySettle(news) ? { key, timeline, news } : []
      })
      const settled = await settle(sql, { escrows: touched, log })
      return touched.flatMap(({ key, timeline, news }) => {
        const cause = news.find(fact => fact.body.finality === 'finalized') ?? news[0]
        return cause && settled.has(key) ? announce(timeline, childTraceparent(cause.traceparent)) : []
      })
    }
  })(deps)
}

const warn = (log: Log, fields: { anomalies: string[]; escrow_address: string }): void =>
  log.error(fields, 'escrow_anomaly')
