import { subscriptions } from '@fusion-prime/events'
import type { ConsumeDeps } from '@fusion-prime/http'
import { appendOutbox, type OutboxMessage } from '@fusion-prime/postgres'
import { priceUpdates } from '@fusion-prime/prices'
import { childTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { evaluateWatches } from '../margin/evaluate.ts'
import { holds } from '../margin/margin.ts'
import { lockAssets, lockHolders } from '../margin/store.ts'

/** Holders that one set of statements evaluates, so that no statement meets its timeout however many there are. */
const HOLDERS_AT_ONCE = 10_000

export type PriceEventsDeps = ConsumeDeps & {
  /** The name of the subscription that pushes. */
  priceSubscription: string
  maxAgeSeconds: number
}

/** Prices by push; every newer one evaluates all who hold the asset again. */
export function priceEvents(deps: PriceEventsDeps): FastifyPluginAsync {
  const subscription = { ...subscriptions['risk-engine-prices-consumer'], name: deps.priceSubscription }
  return priceUpdates(subscription, {
    onNewer: async (sql, prices, deliveries) => {
      const assets = prices.map(price => price.asset_symbol)
      await lockAssets(sql, { assets, to: 'price' })
      const causes = deliveries.map(({ body: { asset_symbol }, correlation_id, traceparent }) => ({
        asset_symbol,
        cause: { correlation_id, traceparent: childTraceparent(traceparent) }
      }))
      const done = { assets, holders: 0, messages: 0 }
      let outgoing: readonly OutboxMessage[] = []
      for (let after: string | undefined = ''; after !== undefined; ) {
        const holders = await lockHolders(sql, { assets, after, limit: HOLDERS_AT_ONCE })
        const moved = holders.flatMap(watch => {
          const found = causes.find(({ asset_symbol }) => holds(watch, asset_symbol))
          return found ? [{ watch, cause: found.cause }] : []
        })
        await appendOutbox(sql, outgoing)
        outgoing = (await evaluateWatches(sql, moved, deps)).outgoing
        done.holders += holders.length
        done.messages += outgoing.length
        after = holders.length < HOLDERS_AT_ONCE ? undefined : holders.at(-1)?.user_id
      }
      return { outgoing, committed: () => deps.log.info(done, 'margins_evaluated') }
    }
  })(deps)
}
