import { subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { accountNotice } from './notice.ts'
import { saveAccountNotices, saveDecisionNotices, saveSanctionsNotices } from './store.ts'

/** What the risk engine says of accounts. */
export const riskNotices: (deps: ConsumeDeps) => FastifyPluginAsync = consume(subscriptions['risk-events-settlement'], {
  logAs: 'risk_notice_kept',
  logFields: ({ event_type }) => ({ event_type }),
  handle: async (sql, deliveries) => {
    await saveAccountNotices(
      sql,
      deliveries.flatMap(({ body }) => accountNotice(body) ?? [])
    )
    return []
  }
})

/** What compliance says of accounts, and of the parties of escrows. */
export const complianceNotices: (deps: ConsumeDeps) => FastifyPluginAsync = consume(
  subscriptions['compliance-events-settlement'],
  {
    logAs: 'compliance_notice_kept',
    logFields: ({ event_type, escrow_address }) => ({ event_type, escrow_address }),
    handle: async (sql, deliveries) => {
      const events = deliveries.map(({ body }) => body)
      await saveAccountNotices(
        sql,
        events.flatMap(event => accountNotice(event) ?? [])
      )
      await saveDecisionNotices(
        sql,
        events.filter(event => event.event_type === 'compliance_decided')
      )
      await saveSanctionsNotices(
        sql,
        events.filter(event => event.event_type === 'sanctions_match')
      )
      return []
    }
  }
)
