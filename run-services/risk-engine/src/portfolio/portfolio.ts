import { type Decimal, formatDecimal, sum } from '../decimal.ts'
import type { Quotes } from '../margin/margin.ts'
import type { Closes } from '../statistics/returns.ts'
import { type DefaultVolatility, deviationOf } from '../statistics/volatility.ts'
import type { Amounts } from './holdings.ts'
import { marginAvailable, type RiskLevel, scoreOf } from './score.ts'

/** What a user has and owes, and what is known of the assets. */
export type Portfolio = {
  /** How many holdings the amounts are made of. */
  positions: number
  amounts: Amounts
  borrowed: Amounts
  /** What stands for the debt: what is watched of a user, for whom escrowed funds are no collateral. */
  collateral: Amounts
  quotes: Quotes
  closes: Closes
}

export type Assessment = {
  /** 0 to 1; like all figures, null where an asset has no fresh price. */
  risk_score: number | null
  risk_level: RiskLevel | 'unpriceable'
  margin_available: string | null
  total_value_usd: string | null
  borrow_usd: string | null
  hhi: string | null
  sigma_day: string | null
  positions: number
  unpriceable: string[]
}

/** The assets among these that no fresh price is known of, sorted. */
export function unpriceableOf(amounts: readonly Amounts[], quotes: Quotes): string[] {
  const assets = new Set(amounts.flatMap(one => [...one.keys()]))
  return [...assets].filter(asset => !quotes.has(asset)).sort()
}

/** Worth in USD by asset; the caller has made sure that every asset has a quote. */
export const valuesOf = (amounts: Amounts, quotes: Quotes): Map<string, Decimal> =>
  new Map([...amounts].map(([asset, amount]) => [asset, amount.times(quotes.get(asset) ?? Number.NaN)]))

/** Worth in USD of all together. */
export const worthOf = (amounts: Amounts, quotes: Quotes): Decimal => sum([...valuesOf(amounts, quotes).values()])

/** How risky it is, at the prices of now. */
export function assess(portfolio: Portfolio, defaults: DefaultVolatility): Assessment {
  const { positions, amounts, borrowed, quotes, closes } = portfolio
  const unpriceable = unpriceableOf([amounts, borrowed], quotes)
  if (unpriceable.length > 0) return { ...unknown, positions, unpriceable }
  const values = valuesOf(amounts, quotes)
  const [worth, borrow] = [worthOf(amounts, quotes), worthOf(borrowed, quotes)]
  const deviation = deviationOf(values, { closes, defaults })
  return {
    ...scoreOf({ values: [...values.values()], borrow, deviation }),
    margin_available: formatDecimal(marginAvailable({ worth, borrow })),
    total_value_usd: formatDecimal(worth),
    borrow_usd: formatDecimal(borrow),
    sigma_day: formatDecimal(deviation.toDecimalPlaces(10)),
    positions,
    unpriceable
  }
}

const unknown = {
  risk_score: null,
  risk_level: 'unpriceable',
  margin_available: null,
  total_value_usd: null,
  borrow_usd: null,
  hhi: null,
  sigma_day: null
} as const
