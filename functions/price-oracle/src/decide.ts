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

/** Rounds that overlap begin less than this apart: a price observed later still was observed by a clock that has been set back since. */
const OVERLAP_MS = 60_000

/** The same price, as observed just before `at`, where its own time can't be. Otherwise nothing were published until that time comes. */
const reached = (price: Observed | undefined, at: number): Observed | undefined =>
  price && price.at - at > OVERLAP_MS ? { ...price, at: at - 1 } : price

/**
 * What becomes of a price that sources agree on: published, held until a later round finds it too (it moved too fast), or dropped,
 * since a price observed later is already out.
 */
export function decide(state: AssetState, observed: Observed, rule: JumpRule): Decision {
  const { sequence } = state
  const last = reached(state.last, observed.at)
  const held = reached(state.held, observed.at)
  if (last && observed.at <= last.at) return { outcome: 'superseded' }
  const publish: Decision = {
    outcome: 'publish',
    state: { sequence: sequence + 1, last: observed, held: undefined }
  }
  if (!last || !isJump(last, observed, rule)) return publish
  if (!held || isJump(held, observed, rule)) return { outcome: 'hold', state: { sequence, last, held: observed } }
  return observed.at - held.at >= rule.confirmAfterMs ? publish : { outcome: 'hold', state: { sequence, last, held } }
}

/**
 * Whether a price moved more than `percent` in some window. Over several windows it may move as many times as far: rounds are rarely
 * less than a window apart, and a rule for younger prices alone would never apply.
 */
function isJump(from: Observed, to: Observed, { percent, windowSeconds }: JumpRule): boolean {
  const windows = Math.max(1, (to.at - from.at) / 1000 / windowSeconds)
  return percentApart(to.price, from.price).gt(percent * windows)
}
