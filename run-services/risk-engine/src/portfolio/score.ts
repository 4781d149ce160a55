import { Decimal, formatDecimal, roundedRatio, sum } from '../decimal.ts'

export type RiskLevel = 'low' | 'medium' | 'high' | 'critical'

/** What is scored: worth in USD by asset, the debt in USD, and the daily deviation. */
export type Exposure = { values: readonly Decimal[]; borrow: Decimal; deviation: Decimal }

export type Score = {
  /** 0 to 1, rounded half-up to 10 places. */
  risk_score: number
  /** Decided on the score before rounding. */
  risk_level: RiskLevel
  hhi: string
}

const SCORE_PLACES = 10
/** Weights of concentration, volatility and debt; they add up to 1. */
const weights = { concentration: '0.15', volatility: '0.25', debt: '0.60' } as const
/** From this daily deviation on volatility counts in full. */
const WORST_DEVIATION = '0.10'
/** Worth that a debt of 1 must be covered with. */
const COVER = '1.15'

const levels = [
  ['critical', '0.9'],
  ['high', '0.7'],
  ['medium', '0.3']
] as const

/** 0.15 HHI + 0.25 min(1, deviation / 0.10) + 0.60 min(1, 1.15 B / C), exact; a debt without any worth counts in full. */
export function scoreOf({ values, borrow, deviation }: Exposure): Score {
  const concentration = concentrationOf(values)
  const covered = coverOf({ worth: sum(values), borrow })
  // All over the square of the worth, so that nothing is divided before the levels are decided.
  const over = concentration.to
  const points = concentration.of
    .times(weights.concentration)
    .plus(Decimal.min(1, deviation.div(WORST_DEVIATION)).times(over).times(weights.volatility))
    .plus(covered.times(weights.debt))
  const [level = 'low'] = levels.find(([, line]) => points.gte(over.times(line))) ?? []
  return {
    risk_score: roundedRatio({ of: points, to: over, places: SCORE_PLACES }).toNumber(),
    risk_level: level,
    hhi: formatDecimal(roundedRatio({ ...concentration, places: SCORE_PLACES }))
  }
}

/** Herfindahl and Hirschman's index of shares by worth, as a fraction: 1 is all in one asset. Nothing is 0 / 1. */
export function concentrationOf(values: readonly Decimal[]): { of: Decimal; to: Decimal } {
  const worth = sum(values)
  return { of: sum(values.map(value => value.times(value))), to: worth.isZero() ? new Decimal(1) : worth.times(worth) }
}

/** min(1, 1.15 B / C), times C^2; times 1 when C is 0. */
function coverOf({ worth, borrow }: { worth: Decimal; borrow: Decimal }): Decimal {
  if (worth.isZero()) return new Decimal(borrow.isZero() ? 0 : 1)
  return Decimal.min(worth, borrow.times(COVER)).times(worth)
}

/** max(0, C / 1.15 - B): USD that may still be borrowed against the worth, rounded half-up to 8 places. */
export function marginAvailable({ worth, borrow }: { worth: Decimal; borrow: Decimal }): Decimal {
  const left = worth.minus(borrow.times(COVER))
  return left.isNegative() ? new Decimal(0) : roundedRatio({ of: left, to: new Decimal(COVER), places: 8 })
}
