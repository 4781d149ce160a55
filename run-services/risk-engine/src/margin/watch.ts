import { assetSymbols } from '@fusion-prime/chain/assets'
import { appendOutbox, type Sql, transaction } from '@fusion-prime/postgres'
import type { Cause } from './announce.ts'
import { evaluateWatches, loadMarket, type Market, type Valuation } from './evaluate.ts'
import { assetsOf, type Evaluation, evaluateMargin, type Holder } from './margin.ts'
import { lockAssets, lockPriced, startWatch } from './store.ts'

export type Valued = { evaluation: Evaluation; market: Market }

/** What holdings are worth now; nothing is kept. */
export async function valueHolder(sql: Sql, holder: Holder, valuation: Valuation): Promise<Valued> {
  const market = await loadMarket(sql, assetsOf(holder), valuation)
  return { evaluation: evaluateMargin(holder, market.quotes), market }
}

/** Watches a user from now on and evaluates what it holds; `announced` when something stands in the outbox because of it. */
export async function watchHolder(
  sql: Sql,
  { cause, ...given }: Holder & { user_id: string; cause: Cause },
  valuation: Valuation
): Promise<Valued & { announced: boolean }> {
  return transaction(sql, async tx => {
    await lockAssets(tx, { assets: assetsOf(given), to: 'watch' })
    const watch = await startWatch(tx, given)
    const { market, evaluations, outgoing } = await evaluateWatches(tx, [{ watch, cause }], valuation)
    await appendOutbox(tx, outgoing)
    const [evaluation = evaluateMargin(given, market.quotes)] = evaluations
    return { evaluation, market, announced: outgoing.length > 0 }
  })
}

/** Watches that one transaction of a sweep evaluates. */
const SWEEP_BATCH = 1_000

/** Evaluates those whose prices have gone stale since; a price that doesn't come tells nobody. Answers how many, and of which assets. */
export async function sweepStale(
  sql: Sql,
  cause: Cause,
  valuation: Valuation
): Promise<{ evaluated: number; assets: string[] }> {
  const { quotes } = await loadMarket(sql, assetSymbols, valuation)
  const assets = assetSymbols.filter(asset => !quotes.has(asset))
  const sweepAfter = (after: string) =>
    transaction(sql, async tx => {
      await lockAssets(tx, { assets, to: 'watch' })
      const watches = await lockPriced(tx, { assets, after, limit: SWEEP_BATCH })
      const moved = watches.map(watch => ({ watch, cause }))
      await appendOutbox(tx, (await evaluateWatches(tx, moved, valuation)).outgoing)
      return watches
    })
  let evaluated = 0
  for (let after = ''; ; ) {
    const watches = await sweepAfter(after)
    evaluated += watches.length
    after = watches.at(-1)?.user_id ?? after
    if (watches.length < SWEEP_BATCH) return { evaluated, assets }
  }
}
