import { type Agreement, aggregate, type Sourced } from './aggregate.ts'
import { type Decimal, parseDecimal, priceText } from './decimal.ts'
import type { Reading } from './reading.ts'
import type { Source, Sources } from './sources/source.ts'

type Read = { source: Source; reading: Reading }

export type AgreementRule = { deviationPercent: number; minSources: number }

/**
 * What the sources of each asset agree on, in USD. Stablecoins aren't dollars: what is quoted in one is converted with what its own
 * sources in USD agree on, and left out if there are none.
 */
export function agree(
  { assets, read }: { assets: readonly string[]; read: ReadonlyMap<string, readonly Read[]> },
  rule: AgreementRule
): Map<string, Agreement> {
  const rates = new Map<string, Decimal | undefined>()
  for (const [symbol, reads] of read) {
    const inUsd = reads.filter(({ source }) => source.quote === 'USD').map(name)
    const rate = aggregate(inUsd, { ...rule, minSources: 1 })
    rates.set(symbol, 'price' in rate ? rate.price : undefined)
  }
  const convert = ({ source, reading }: Read): Sourced => {
    if (source.quote === 'USD' || 'refused' in reading) return name({ source, reading })
    const rate = rates.get(source.quote)
    if (!rate) return name({ source, reading: { refused: 'no_rate' } })
    const price = parseDecimal(priceText(reading.price.times(rate)))
    return name({ source, reading: price?.gt(0) ? { price } : { refused: 'malformed' } })
  }
  return new Map(assets.map(asset => [asset, aggregate((read.get(asset) ?? []).map(convert), rule)]))
}

const name = ({ source, reading }: Read): Sourced => ({ source: source.kind, reading })

/** What must be asked to price these assets: their sources, and those in USD of what they are quoted in. */
export function neededSources(assets: readonly string[], sources: Sources): { asset: string; source: Source }[] {
  const of = (asset: string) => (sources[asset] ?? []).map(source => ({ asset, source }))
  const own = assets.flatMap(of)
  const quotes = new Set(own.map(({ source }) => source.quote))
  const others = [...quotes].filter(quote => !assets.includes(quote))
  return [...own, ...others.flatMap(of).filter(({ source }) => source.quote === 'USD')]
}
