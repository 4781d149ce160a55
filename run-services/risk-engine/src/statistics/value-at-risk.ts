import { Approximate, type Decimal, sum } from '../decimal.ts'
import { normalDensity, normalQuantile } from './normal.ts'

/** Fewest returns from which a tail is read. */
export const FEWEST_RETURNS = 10

/** What a bad day takes, as a share of the worth: not exceeded with the confidence given, and on average when it is. */
export type TailLoss = { var: Decimal; cvar: Decimal }

/** The return that a fraction of all returns stays below, linear between two, and the mean of the returns up to it. At least one return. */
export function tailOf(returns: readonly Decimal[], fraction: Decimal): TailLoss {
  const sorted = returns.toSorted((a, b) => a.cmp(b))
  const position = fraction.times(sorted.length - 1)
  const index = position.floor().toNumber()
  const [below, above] = [sorted[index], sorted[index + 1]]
  if (!below) throw new RangeError(`there is no return ${index} among ${sorted.length}`)
  const tail = sorted.slice(0, index + 1)
  return {
    var: above ? below.plus(above.minus(below).times(position.minus(index))) : below,
    cvar: new Approximate(sum(tail)).div(tail.length)
  }
}

type Horizon = { confidence: Decimal; days: number }

/** Read from past returns; a horizon of several days is the day's loss times the root of their number. */
export function historicalLoss(returns: readonly Decimal[], { confidence, days }: Horizon): TailLoss {
  const tail = tailOf(returns, new Approximate(1).minus(confidence))
  return scaled({ var: tail.var.negated(), cvar: tail.cvar.negated() }, days)
}

/** Of a normal distribution with this daily deviation and no drift. */
export function parametricLoss(deviation: Decimal, { confidence, days }: Horizon): TailLoss {
  const quantile = normalQuantile(confidence)
  const beyond = normalDensity(quantile).div(new Approximate(1).minus(confidence))
  return scaled({ var: quantile.times(deviation), cvar: beyond.times(deviation) }, days)
}

/** Who only owns can't lose more than everything. */
function scaled(loss: TailLoss, days: number): TailLoss {
  const root = new Approximate(days).sqrt()
  const capped = (share: Decimal) => Approximate.min(1, share.times(root))
  return { var: capped(loss.var), cvar: capped(loss.cvar) }
}
