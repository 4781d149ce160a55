import { compareScore, thresholds } from '../health/health.ts'
import type { Evaluation, MarginStatus } from './margin.ts'

/** The bands below the thresholds, from the top. */
export const bands = [
  { status: 'WARNING', below: thresholds.WARNING, event_type: 'margin_warning', severity: 'medium' },
  { status: 'MARGIN_CALL', below: thresholds.MARGIN_CALL, event_type: 'margin_call', severity: 'high' },
  { status: 'LIQUIDATION', below: thresholds.LIQUIDATION, event_type: 'liquidation_imminent', severity: 'critical' }
] as const
export type Band = (typeof bands)[number]

/** How many thresholds, from the top, aren't armed; null before the first score. The lower ones are armed whenever a higher one is. */
export type AlertState = number | null

/** Points above a threshold at which it is armed again. */
const HYSTERESIS = 2

/** A user who is met in WARNING has not crossed anything; deeper, nobody may have told them. */
const ALERTS_AT_FIRST = 2

/** Whether an evaluation is a crossing that nobody was told of: one alert, for the band reached. UNPRICEABLE tells nothing and arms nothing. */
export function nextAlert(state: AlertState, evaluation: Evaluation): { state: AlertState; alert: Band | null } {
  if (evaluation.status === 'UNPRICEABLE') return { state, alert: null }
  const depth = depthOf(evaluation.status)
  const band = bands[depth - 1] ?? null
  if (state === null) return { state: depth, alert: depth >= ALERTS_AT_FIRST ? band : null }
  if (depth > state) return { state: depth, alert: band }
  const isUnarmed = ({ below }: Band) => compareScore(evaluation.margin, below + HYSTERESIS) < 0
  return { state: bands.slice(0, state).findLastIndex(isUnarmed) + 1, alert: null }
}

/** Thresholds that the score is below. */
const depthOf = (status: MarginStatus): number => bands.findIndex(band => band.status === status) + 1
