import { type Decimal, median, percentApart } from './decimal.ts'
import type { Reading, Refusal } from './reading.ts'

export type Sourced = { source: string; reading: Reading }

/** A source that didn't count, and why. */
export type Excluded = { source: string; reason: Refusal }

export type Agreement = { used: string[]; excluded: Excluded[] } & (
  | { price: Decimal }
  | { nothing: 'no_fresh_source' | 'too_few_sources' | 'sources_disagree' }
)

/** What sources agree on: the median of those within `deviationPercent` of the median of all, if at least `minSources` are left. */
export function aggregate(
  sourced: readonly Sourced[],
  { deviationPercent, minSources }: { deviationPercent: number; minSources: number }
): Agreement {
  const excluded: Excluded[] = []
  const fresh: { source: string; price: Decimal }[] = []
  for (const { source, reading } of sourced) {
    if ('price' in reading) fresh.push({ source, price: reading.price })
    else excluded.push({ source, reason: reading.refused })
  }
  const names = (sources: typeof fresh) => sources.map(({ source }) => source)
  if (fresh.length === 0) return { nothing: 'no_fresh_source', used: [], excluded }
  if (fresh.length < minSources) return { nothing: 'too_few_sources', used: names(fresh), excluded }

  const middle = median(fresh.map(({ price }) => price))
  const left = fresh.filter(({ price }) => percentApart(price, middle).lte(deviationPercent))
  for (const { source } of fresh.filter(one => !left.includes(one))) excluded.push({ source, reason: 'deviation' })
  if (left.length === 0 || left.length < minSources) return { nothing: 'sources_disagree', used: names(left), excluded }
  return { price: median(left.map(({ price }) => price)), used: names(left), excluded }
}
