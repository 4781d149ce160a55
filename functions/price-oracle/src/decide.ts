import { type Decimal, percentApart } from './decimal.ts'

/** A price at a time in milliseconds since 1970. */
export type Observed = { price: Decimal; at: number }

/** What is known of an asset from earlier rounds. */
export type AssetState = { sequence: number; last: Observed | undefined; held: Observed | undefined }

export type JumpRule = {
  percent: number
  windowSeconds: number
  /** A later round is one that observed at least this long after the first; two at once don't confirm each other. */
  confirmAfterMs: number
}

export type Decision =
  | { outcome: 'publish'; state: AssetState & { last: Observed } }
  | { outcome: 'hold'; state: AssetState }
  | { outcome: 'superseded' }

/**
 * What becomes of a price that sources agree on: published, held until a later round finds it too (it moved too fast), or dropped,
 * since a price observed later is already out.
 */
export function decide(state: AssetState, observed: Observed, rule: JumpRule): Decision {
  const { sequence, last, held } = state
  if (last && observed.at <= last.at) return { outcome: 'superseded' }
  const publish: Decision = {
    outcome: 'publish',
    state: { sequence: sequence + 1, last: observed, held: undefined }
  }
  if (!last || !isJump(last, observed, rule)) return publish
  if (!held || isJump(held, observed, rule)) return { outcome: 'hold', state: { ...state, held: observed } }
  return observed.at - held.at >= rule.confirmAfterMs ? publish : { outcome: 'hold', state }
}

/**
 * Whether a price moved more than `percent` in some window. Over several windows it may move as many times as far: rounds are rarely
 * less than a window apart, and a rule for younger prices alone would never apply.
 */
function isJump(from: Observed, to: Observed, { percent, windowSeconds }: JumpRule): boolean {
  const windows = Math.max(1, (to.at - from.at) / 1000 / windowSeconds)
  return percentApart(to.price, from.price).gt(percent * windows)
}
