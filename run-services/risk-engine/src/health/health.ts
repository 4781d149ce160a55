import { type Decimal, formatDecimal, formatFixed, roundedRatio } from '../decimal.ts'

/** What stands against what, in USD, exact and not negative. */
export type Margin = { collateral: Decimal; borrow: Decimal }

export type HealthStatus = 'HEALTHY' | 'WARNING' | 'MARGIN_CALL' | 'LIQUIDATION'

export type Health = {
  /** 100 (C - B) / B, rounded half-up to 2 places; null without debt. */
  health_score: number | null
  /** Decided on the score before rounding. */
  status: HealthStatus
  total_collateral_usd: string
  total_borrow_usd: string
  /**
   * 100 (C - 1.15 B) / C with 2 places: how far the collateral's worth may fall until LIQUIDATION, negative when it has fallen further.
   * Null without debt, and without collateral, where no percentage has a meaning.
   */
  liquidation_price_drop_percent: string | null
}

/** Below which score a status begins. */
export const thresholds = { WARNING: 50, MARGIN_CALL: 30, LIQUIDATION: 15 } as const

/** Collateral that keeps a debt of 1 out of LIQUIDATION. */
const LIQUIDATION_RATIO = '1.15'

export function healthOf({ collateral, borrow }: Margin): Health {
  const totals = { total_collateral_usd: formatDecimal(collateral), total_borrow_usd: formatDecimal(borrow) }
  if (borrow.isZero()) return { health_score: null, status: 'HEALTHY', ...totals, liquidation_price_drop_percent: null }
  const score = roundedRatio({ of: collateral.minus(borrow).times(100), to: borrow, places: 2 })
  return {
    health_score: score.toNumber(),
    status: statusOf({ collateral, borrow }),
    ...totals,
    liquidation_price_drop_percent: dropOf({ collateral, borrow })
  }
}

/** Below, at or above a score, on exact values: by cross-multiplication, nothing is divided or rounded. Without debt always above. */
export function compareScore({ collateral, borrow }: Margin, score: string | number): -1 | 0 | 1 {
  if (borrow.isZero()) return 1
  const difference = collateral.minus(borrow).times(100).minus(borrow.times(score))
  if (difference.isZero()) return 0
  return difference.isNegative() ? -1 : 1
}

function statusOf(margin: Margin): HealthStatus {
  const isBelow = (score: number) => compareScore(margin, score) < 0
  if (isBelow(thresholds.LIQUIDATION)) return 'LIQUIDATION'
  if (isBelow(thresholds.MARGIN_CALL)) return 'MARGIN_CALL'
  return isBelow(thresholds.WARNING) ? 'WARNING' : 'HEALTHY'
}

function dropOf({ collateral, borrow }: Margin): string | null {
  if (collateral.isZero()) return null
  const left = collateral.minus(borrow.times(LIQUIDATION_RATIO)).times(100)
  return formatFixed(roundedRatio({ of: left, to: collateral, places: 2 }), 2)
}
