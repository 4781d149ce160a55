import { isFresh, type Price } from '@fusion-prime/prices'
import { type Decimal, parseDecimal, sum } from '../decimal.ts'
import { type Health, healthOf, type Margin } from '../health/health.ts'

/** Whole units by asset, as exact decimal texts. */
export type Holdings = Readonly<Record<string, string>>
export type Holder = { collateral: Holdings; borrow: Holdings }

/** What a user's margin is worth at the prices of a moment; UNPRICEABLE where one is missing or stale, whatever the others say. */
export type Evaluation = (Health & { margin: Margin }) | { status: 'UNPRICEABLE'; unpriceable: string[] }
export type MarginStatus = Evaluation['status']

/** Fresh prices only, in USD per whole unit. */
export type Quotes = ReadonlyMap<string, Decimal>

export function quotesOf(prices: Iterable<Price>, freshness: { now: Date; maxAgeSeconds: number }): Quotes {
  const fresh = [...prices].filter(price => isFresh(price, freshness))
  return new Map(fresh.map(price => [price.asset_symbol, parseDecimal(price.price_usd)]))
}

/** The assets that a holder's worth depends on, sorted. */
export const assetsOf = ({ collateral, borrow }: Holder): string[] =>
  [...new Set([...Object.keys(collateral), ...Object.keys(borrow)])].sort()

export const holds = ({ collateral, borrow }: Holder, asset: string): boolean =>
  Object.hasOwn(collateral, asset) || Object.hasOwn(borrow, asset)

export function evaluateMargin(holder: Holder, quotes: Quotes): Evaluation {
  const unpriceable = assetsOf(holder).filter(asset => !quotes.has(asset))
  if (unpriceable.length > 0) return { status: 'UNPRICEABLE', unpriceable }
  const margin = { collateral: worth(holder.collateral, quotes), borrow: worth(holder.borrow, quotes) }
  return { ...healthOf(margin), margin }
}

const worth = (holdings: Holdings, quotes: Quotes): Decimal =>
  sum(Object.entries(holdings).map(([asset, amount]) => parseDecimal(amount).times(quotes.get(asset) ?? NaN)))
