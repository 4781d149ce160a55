import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import { findPrices, type Price } from '@fusion-prime/prices'
import { applyEvaluation, type Cause } from './announce.ts'
import { assetsOf, type Evaluation, evaluateMargin, type Quotes, quotesOf } from './margin.ts'
import { saveWatches, type Watch } from './store.ts'

/** By which prices margins are evaluated. */
export type Valuation = { now: () => Date; maxAgeSeconds: number }

/** The newest prices of assets, and which of them may be used. */
export type Market = { prices: ReadonlyMap<string, Price>; quotes: Quotes; at: Date }

export async function loadMarket(
  sql: Sql,
  assets: readonly string[],
  { now, maxAgeSeconds }: Valuation
): Promise<Market> {
  const prices = await findPrices(sql, [...new Set(assets)])
  const at = now()
  return { prices, quotes: quotesOf(prices.values(), { now: at, maxAgeSeconds }), at }
}

/**
 * Evaluates watches that the caller has locked, at the prices of now, and keeps how they stand; answers the evaluations in the order
 * of the watches, and what goes out because of them.
 */
export async function evaluateWatches(
  sql: Sql,
  moved: readonly { watch: Watch; cause: Cause }[],
  valuation: Valuation
): Promise<{ market: Market; evaluations: Evaluation[]; outgoing: OutboxMessage[] }> {
  // Read after the locks were got, so that a price whose transaction was waited for is seen.
  const assets = moved.flatMap(({ watch }) => assetsOf(watch))
  const market = await loadMarket(sql, assets, valuation)
  const { quotes, at } = market
  const evaluated = moved.map(({ watch, cause }) => {
    const evaluation = evaluateMargin(watch, quotes)
    return { evaluation, ...applyEvaluation(watch, evaluation, { cause, at }) }
  })
  await saveWatches(sql, { states: evaluated.map(one => one.after), at })
  return {
    market,
    evaluations: evaluated.map(one => one.evaluation),
    outgoing: evaluated.flatMap(one => one.outgoing)
  }
}
