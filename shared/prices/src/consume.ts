import { assetSymbols, decimalsOf } from '@fusion-prime/chain/assets'
import type { MarketPrice, marketPrices, SubscriptionDefinition } from '@fusion-prime/events'
import { type ConsumeDeps, consume, type Delivery } from '@fusion-prime/http'
import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Price, priceOf } from './price.ts'
import { pruneCloses, savePrices } from './store.ts'

export type PriceDelivery = Delivery<MarketPrice, undefined>

export type PriceUpdatesOptions = {
  /**
   * What newer prices lead to, one per asset, and the delivery that brought each; in the transaction that keeps them, the assets
   * locked. Answers what goes out because of it, and what is to be told once that is sure.
   */
  onNewer?(
    sql: Sql,
    prices: Price[],
    deliveries: PriceDelivery[]
  ): Promise<OutboxMessage[] | { outgoing: readonly OutboxMessage[]; committed(): void }>
}

/** Days for which closes are kept. */
const CLOSES_DAYS = 400

/** Prices by push: the newest of each asset is kept, whatever the order of arrival. */
export function priceUpdates(
  subscription: SubscriptionDefinition<typeof marketPrices>,
  { onNewer }: PriceUpdatesOptions = {}
): (deps: ConsumeDeps) => FastifyPluginAsync {
  return consume(subscription, {
    logAs: 'price_received',
    logFields: ({ asset_symbol, price_usd, sequence, observed_at }) => ({
      asset_symbol,
      price_usd,
      sequence,
      observed_at
    }),
    refuse: ({ asset_symbol, price_usd }) => {
      if (decimalsOf(asset_symbol) === undefined) {
        const detail = `there is no asset ${asset_symbol}; known are ${assetSymbols.join(', ')}`
        return { fault: 'asset_unknown', detail }
      }
      // Nothing that is traded is worth nothing; a zero would liquidate every holder.
      if (/^[0.]+$/.test(price_usd)) return { fault: 'invalid', detail: `the price of ${asset_symbol} is 0` }
      return undefined
    },
    handle: async (sql, deliveries) => {
      const newer = await savePrices(
        sql,
        deliveries.map(({ body }) => priceOf(body))
      )
      if (newer.length === 0) return []
      await pruneCloses(sql, { symbols: newer.map(one => one.asset_symbol), days: CLOSES_DAYS })
      const bringers = newer.flatMap(price => deliveries.find(({ body }) => isOf(price, body)) ?? [])
      return (await onNewer?.(sql, newer, bringers)) ?? []
    }
  })
}

const isOf = (price: Price, body: MarketPrice): boolean =>
  body.asset_symbol === price.asset_symbol && body.sequence === price.sequence
