import type { Sql } from '@fusion-prime/postgres'
import { dailyCloses, findPrices } from '@fusion-prime/prices'
import { parseDecimal } from '../decimal.ts'
import { type Holdings, quotesOf } from '../margin/margin.ts'
import { findHolder } from '../margin/store.ts'
import { findPositions } from '../position/store.ts'
import type { DefaultVolatility } from '../statistics/volatility.ts'
import { type Amounts, amountsOf, type Holding, holdingsOf, mergeHoldings } from './holdings.ts'
import type { Portfolio } from './portfolio.ts'

/** By which prices portfolios are valued, and how assets move of which too little is known. */
export type PortfolioSettings = { now: () => Date; maxAgeSeconds: number; defaultVolatility: DefaultVolatility }

/** What is asked about: positions and a debt that are given, and those of a user. */
export type Subject = { user_id: string | undefined; positions: readonly Holding[]; borrow: Amounts }

/** A portfolio as it stands now, with the closes of the last `days`. */
export async function loadPortfolio(
  sql: Sql,
  { user_id, positions, borrow }: Subject,
  { now, maxAgeSeconds, days }: Pick<PortfolioSettings, 'now' | 'maxAgeSeconds'> & { days: number }
): Promise<Portfolio> {
  const [known, holder] = await Promise.all([
    user_id === undefined ? [] : findPositions(sql, user_id),
    user_id === undefined ? undefined : findHolder(sql, user_id)
  ])
  const holdings = mergeHoldings(positions, holdingsOf(known))
  const amounts = amountsOf(holdings)
  const borrowed = holder ? parseHoldings(holder.borrow) : borrow
  const collateral = user_id === undefined ? amounts : parseHoldings(holder?.collateral ?? {})
  const assets = new Set([amounts, borrowed, collateral].flatMap(one => [...one.keys()]))
  const [prices, closes] = await Promise.all([
    findPrices(sql, [...assets]),
    dailyCloses(sql, { symbols: [...amounts.keys()], days })
  ])
  const quotes = quotesOf(prices.values(), { now: now(), maxAgeSeconds })
  return { positions: holdings.length, amounts, borrowed, collateral, quotes, closes }
}

const parseHoldings = (holdings: Holdings): Amounts =>
  amountsOf(Object.entries(holdings).map(([asset, amount]) => ({ asset, amount: parseDecimal(amount) })))
