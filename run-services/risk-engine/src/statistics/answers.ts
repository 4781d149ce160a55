import { formatDecimal, parseDecimal, roundedRatio } from '../decimal.ts'
import { type Portfolio, unpriceableOf, valuesOf, worthOf } from '../portfolio/portfolio.ts'
import { concentrationOf } from '../portfolio/score.ts'
import { portfolioReturns, sharesOf } from './returns.ts'
import { FEWEST_RETURNS, historicalLoss, parametricLoss, type TailLoss } from './value-at-risk.ts'
import { type DefaultVolatility, deviationOf, VOLATILITY_DAYS } from './volatility.ts'

/** Days of closes that losses are read from, at most: a year of returns. */
export const LOSS_DAYS = 366

type Question = {
  confidence?: number
  horizon_days?: number
  method?: 'historical' | 'parametric'
}

/** What a portfolio may lose, in USD; no figures where a price is missing or, of the past, too few closes are known. */
export function describeLoss(
  portfolio: Portfolio,
  { question, defaults }: { question: Question; defaults: DefaultVolatility }
) {
  const { amounts, quotes, closes } = portfolio
  const { confidence = 0.99, horizon_days = 1, method = 'historical' } = question
  const common = { method, confidence, horizon_days }
  const none = { var_usd: null, cvar_usd: null, observations: 0, sigma_day: null }
  const unpriceable = unpriceableOf([amounts], quotes)
  if (unpriceable.length > 0) return { ...common, ...none, total_value_usd: null, reason: 'unpriceable', unpriceable }

  const [values, worth] = [valuesOf(amounts, quotes), worthOf(amounts, quotes)]
  const known = { ...common, total_value_usd: formatDecimal(worth), unpriceable }
  const horizon = { confidence: parseDecimal(confidence), days: horizon_days }
  const inUsd = (loss: TailLoss) => ({
    var_usd: formatDecimal(loss.var.times(worth).toDecimalPlaces(8)),
    cvar_usd: formatDecimal(loss.cvar.times(worth).toDecimalPlaces(8)),
    reason: null
  })
  if (method === 'historical') {
    const returns = portfolioReturns(sharesOf(values), { closes, kind: 'simple' })
    const observations = returns.length
    if (observations < FEWEST_RETURNS) return { ...known, ...none, observations, reason: 'too_few_closes' }
    return { ...known, ...inUsd(historicalLoss(returns, horizon)), observations, sigma_day: null }
  }
  const deviation = deviationOf(values, { closes: lastOf(closes, VOLATILITY_DAYS), defaults })
  const sigma_day = formatDecimal(deviation.toDecimalPlaces(10))
  return { ...known, ...inUsd(parametricLoss(deviation, horizon)), observations: 0, sigma_day }
}

const lastOf = (closes: Portfolio['closes'], days: number): Portfolio['closes'] =>
  new Map([...closes].map(([asset, all]) => [asset, new Map([...all].slice(-days))]))

/** The shares of a portfolio's assets, largest first; no figures where a price is missing. */
export function describeConcentration({ amounts, quotes }: Portfolio) {
  const unpriceable = unpriceableOf([amounts], quotes)
  if (unpriceable.length > 0) return { total_value_usd: null, hhi: null, largest: null, assets: [], unpriceable }
  const [values, worth] = [valuesOf(amounts, quotes), worthOf(amounts, quotes)]
  const assets = [...values]
    .sort(([, a], [, b]) => b.cmp(a))
    .map(([asset, value]) => ({
      asset,
      value_usd: formatDecimal(value),
      share: formatDecimal(roundedRatio({ of: value, to: worth, places: 10 }))
    }))
  const hhi = formatDecimal(roundedRatio({ ...concentrationOf([...values.values()]), places: 10 }))
  return { total_value_usd: formatDecimal(worth), hhi, largest: assets[0] ?? null, assets, unpriceable }
}
