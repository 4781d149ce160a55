import { Approximate, type Decimal, sum } from '../decimal.ts'
import { type Closes, portfolioReturns, sharesOf, type Values } from './returns.ts'

/** Days of closes that a deviation is made of, at most. */
export const VOLATILITY_DAYS = 30

/** Fewest returns that have a sample deviation, and closes that have them. */
const FEWEST_RETURNS = 2
const FEWEST_CLOSES = FEWEST_RETURNS + 1

/** Daily deviation, as a fraction, of an asset without enough closes: `{"ETH": "0.04"}`. */
export type DefaultVolatility = Readonly<Record<string, string>>

/** Of an asset that isn't listed: as bad as the score knows. */
const UNLISTED = '0.10'

/** The sample deviation (n - 1); of at least two values. */
export function sampleDeviation(values: readonly Decimal[]): Decimal {
  const mean = new Approximate(sum(values)).div(values.length)
  const squares = sum(values.map(value => value.minus(mean).pow(2)))
  return new Approximate(squares).div(values.length - 1).sqrt()
}

/**
 * The daily deviation of a portfolio. The assets that have closes move as they did together: the deviation of their weighted daily
 * log returns over the common days. The others, and all if there are too few common days, add share times default, as if they
 * moved at the worst moment: an upper bound.
 */
export function deviationOf(values: Values, options: { closes: Closes; defaults: DefaultVolatility }): Decimal {
  const { closes, defaults } = options
  const shares = [...sharesOf(values)].filter(([, share]) => !share.isZero())
  const known = new Map(shares.filter(([asset]) => (closes.get(asset)?.size ?? 0) >= FEWEST_CLOSES))
  const returns = portfolioReturns(known, { closes, kind: 'log' })
  const isMeasured = returns.length >= FEWEST_RETURNS
  const others = isMeasured ? shares.filter(([asset]) => !known.has(asset)) : shares
  const assumed = sum(others.map(([asset, share]) => share.times(defaultOf(asset, defaults))))
  return new Approximate(isMeasured ? assumed.plus(sampleDeviation(returns)) : assumed)
}

const defaultOf = (asset: string, defaults: DefaultVolatility): string =>
  (Object.hasOwn(defaults, asset) && defaults[asset]) || UNLISTED
