import type { MarketPrice } from '@fusion-prime/events'

/** What one whole unit of an asset is worth; the decimal text is kept as it was published. */
export type Price = {
  asset_symbol: string
  price_usd: string
  observed_at: Date
  valid_until: Date
  /** Rises with every price of the asset. */
  sequence: number
}

/** A price whose clock is further ahead than this, in milliseconds, isn't believed. */
const MAX_AHEAD_MS = 60_000

/** Whether a price may still be used: within its validity, not older than the limit, and not from the future. */
export function isFresh(price: Price, { now, maxAgeSeconds }: { now: Date; maxAgeSeconds: number }): boolean {
  const age = now.getTime() - price.observed_at.getTime()
  return now <= price.valid_until && age <= maxAgeSeconds * 1_000 && age >= -MAX_AHEAD_MS
}

export const priceOf = ({ asset_symbol, price_usd, observed_at, valid_until, sequence }: MarketPrice): Price => ({
  asset_symbol,
  price_usd,
  observed_at: new Date(observed_at),
  valid_until: new Date(valid_until),
  sequence
})
