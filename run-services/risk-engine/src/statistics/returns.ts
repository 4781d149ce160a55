import type { DailyCloses } from '@fusion-prime/prices'
import { Approximate, type Decimal, sum } from '../decimal.ts'

/** By asset. */
export type Closes = ReadonlyMap<string, DailyCloses>

/** Worth in USD by asset. */
export type Values = ReadonlyMap<string, Decimal>

/** `log` for a deviation; `simple` for what a day would have cost, since only simple returns add up over assets. */
type ReturnKind = 'log' | 'simple'

/** The share of each asset in what all are worth; all 0 when that is nothing. */
export function sharesOf(values: Values): Map<string, Decimal> {
  const total = sum([...values.values()])
  const divisor = new Approximate(total.isZero() ? 1 : total)
  return new Map([...values].map(([asset, value]) => [asset, new Approximate(value).div(divisor)]))
}

/** Daily returns of a portfolio that has these shares every day, over the days that all its assets have; oldest first. */
export function portfolioReturns(shares: Values, { closes, kind }: { closes: Closes; kind: ReturnKind }): Decimal[] {
  const series = [...shares].map(([asset, share]) => ({
    share,
    closes: closes.get(asset) ?? new Map<string, string>()
  }))
  const days = [...(series[0]?.closes.keys() ?? [])].filter(day => series.every(one => one.closes.has(day)))
  const changeOn = (day: string, before: string): Decimal =>
    sum(series.map(one => changeOf[kind](one.closes.get(day) ?? '', one.closes.get(before) ?? '').times(one.share)))
  return days.slice(1).map((day, index) => changeOn(day, days[index] ?? day))
}

const changeOf: Record<ReturnKind, (close: string, before: string) => Decimal> = {
  log: logarithmOf,
  simple: (close, before) => new Approximate(close).div(before).minus(1)
}

/** Past closes don't change, and logarithms are most of what an assessment costs: so many are kept. */
const KEPT_LOGARITHMS = 5_000
const logarithms = new Map<string, Decimal>()

function logarithmOf(close: string, before: string): Decimal {
  const ratio = `${close}/${before}`
  const logarithm = logarithms.get(ratio) ?? new Approximate(close).div(before).ln()
  if (logarithms.size >= KEPT_LOGARITHMS) logarithms.clear()
  logarithms.set(ratio, logarithm)
  return logarithm
}
