import { subscriptions } from '@fusion-prime/events'
import type { ConsumeDeps } from '@fusion-prime/http'
import { priceUpdates } from '@fusion-prime/prices'
import { childTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { evaluateWatches } from '../margin/evaluate.ts'
import { holds } from '../margin/margin.ts'
import { lockAssets, lockHolders } from '../margin/store.ts'

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
      const holders = await lockHolders(sql, assets)
      const causes = deliveries.map(({ body: { asset_symbol }, correlation_id, traceparent }) => ({
        asset_symbol,
        cause: { correlation_id, traceparent: childTraceparent(traceparent) }
      }))
      const moved = holders.flatMap(watch => {
        const found = causes.find(({ asset_symbol }) => holds(watch, asset_symbol))
        return found ? { watch, cause: found.cause } : []
      })
      const { outgoing } = await evaluateWatches(sql, moved, deps)
      deps.log.info({ assets, holders: holders.length, messages: outgoing.length }, 'margins_evaluated')
      return outgoing
    }
  })(deps)
}
