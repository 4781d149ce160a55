import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { uuid8 } from './ids.ts'
import { AssetSymbol, Decimal, SafeInteger, UtcTime, Uuid } from './scalars.ts'

/** The identity of a price: one per asset and sequence. */
export const priceId = ({ asset_symbol, sequence }: { asset_symbol: string; sequence: number }): string =>
  uuid8(`price:${asset_symbol}:${sequence}`)

export const PriceUpdated = defineEvent({
  type: 'price_updated',
  version: 1,
  meaning: 'What one whole unit of the asset is worth, agreed by fresh sources.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('price_updated'),
    schema_version: Type.Literal(1),
    asset_symbol: AssetSymbol,
    price_usd: Decimal,
    /** How the price was made of its sources. */
    source: Type.String({ minLength: 1, maxLength: 100 }),
    sources: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 100 }),
    quality: Type.Literal('ok'),
    observed_at: UtcTime,
    /** Stale after this time. */
    valid_until: UtcTime,
    /** Rises with every price of the asset; an older one is ignored. */
    sequence: SafeInteger
  }),
  example: {
    event_id: priceId({ asset_symbol: 'ETH', sequence: 7 }),
    event_type: 'price_updated',
    schema_version: 1,
    asset_symbol: 'ETH',
    price_usd: '3941.34',
    source: 'median',
    sources: ['chainlink', 'pyth', 'coinbase', 'kraken'],
    quality: 'ok',
    observed_at: '2026-01-31T12:00:00.000Z',
    valid_until: '2026-01-31T12:01:30.000Z',
    sequence: 7
  }
})

export const marketPrices = defineTopic({
  name: 'market.prices.v1',
  meaning: 'Prices of assets in USD, every 30 seconds.',
  orderingKey: 'asset_symbol',
  publishers: ['price-oracle'],
  events: [PriceUpdated],
  attributes: [],
  freeAttributes: {},
  derivedIds: () => ({})
})

export type MarketPrice = BodyOf<typeof PriceUpdated>
