import { encodeMessage, marketPrices, PriceUpdated, priceId } from '@fusion-prime/events'
import { PUSH_PREFIX } from '@fusion-prime/local/testing/facts.ts'

/** Makes pushes of prices as Pub/Sub would, for Fastify's `inject`: just observed, each with the next sequence unless said. */
export function createPricePushes(now: () => Date) {
  let last = 0
  return (asset_symbol: string, price_usd: string, sequence = ++last) => {
    const observed_at = now().toISOString()
    const valid_until = new Date(now().getTime() + 90_000).toISOString()
    const identity = { asset_symbol, sequence, event_id: priceId({ asset_symbol, sequence }) }
    const body = { ...PriceUpdated.example, ...identity, price_usd, observed_at, valid_until }
    const { topic, data, attributes, ordering_key } = encodeMessage(marketPrices, body, {
      correlation_id: `price ${asset_symbol} ${sequence}`,
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
    })
    const encoded = Buffer.from(data).toString('base64')
    const message = { data: encoded, messageId: identity.event_id, attributes, orderingKey: ordering_key }
    return {
      method: 'POST' as const,
      url: `/pubsub/${topic}`,
      payload: { message, subscription: `${PUSH_PREFIX}risk-engine-prices-consumer` }
    }
  }
}
