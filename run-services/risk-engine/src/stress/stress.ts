import { type Decimal, formatDecimal, parseDecimal } from '../decimal.ts'
import { type Health, healthOf } from '../health/health.ts'
import type { Quotes } from '../margin/margin.ts'
import { type Portfolio, unpriceableOf, valuesOf, worthOf } from '../portfolio/portfolio.ts'
import { type RiskLevel, scoreOf } from '../portfolio/score.ts'
import { type DefaultVolatility, deviationOf } from '../statistics/volatility.ts'

/** What happens to prices: -0.3 is a fall by 30 %; an asset that isn't named keeps its price. */
export type Shock = { name: string; prices: ReadonlyMap<string, Decimal> }

/** How a portfolio and its margin would stand. */
export type Scenario = Health & { name: string; total_value_usd: string; risk_score: number; risk_level: RiskLevel }

const stablecoins: ReadonlySet<string> = new Set(['USDC'])
/** USDC was traded at 0.88 in March 2023. */
const DEPEG = '-0.12'

/** The market falls by a tenth, by three tenths, by half, and stablecoins keep their price; or they lose it. */
function usualShocks(assets: readonly string[]): Shock[] {
  const [stable, volatile] = [assets.filter(isStable), assets.filter(asset => !isStable(asset))]
  const shock = (name: string, { change, of }: { change: string; of: string[] }): Shock => ({
    name,
    prices: new Map(of.map(asset => [asset, parseDecimal(change)]))
  })
  return [
    shock('market_down_10', { change: '-0.1', of: volatile }),
    shock('market_down_30', { change: '-0.3', of: volatile }),
    shock('market_down_50', { change: '-0.5', of: volatile }),
    shock('stablecoin_depeg', { change: DEPEG, of: stable })
  ]
}

const isStable = (asset: string): boolean => stablecoins.has(asset)

/** How a portfolio stands now, and would after each shock; without any given, after the usual ones. No figures where a price is missing. */
export function stress(
  portfolio: Portfolio,
  { shocks, defaults }: { shocks: readonly Shock[] | undefined; defaults: DefaultVolatility }
): { current: Scenario | null; scenarios: Scenario[]; unpriceable: string[] } {
  const { amounts, borrowed, collateral, quotes, closes } = portfolio
  const unpriceable = unpriceableOf([amounts, borrowed, collateral], quotes)
  if (unpriceable.length > 0) return { current: null, scenarios: [], unpriceable }

  const scenario = ({ name, prices }: Shock): Scenario => {
    const shocked = shockedQuotes(quotes, prices)
    const values = valuesOf(amounts, shocked)
    const borrow = worthOf(borrowed, shocked)
    const { risk_score, risk_level } = scoreOf({
      values: [...values.values()],
      borrow,
      deviation: deviationOf(values, { closes, defaults })
    })
    const total_value_usd = formatDecimal(worthOf(amounts, shocked))
    return {
      name,
      total_value_usd,
      ...healthOf({ collateral: worthOf(collateral, shocked), borrow }),
      risk_score,
      risk_level
    }
  }
  const current = scenario({ name: 'current', prices: new Map() })
  return { current, scenarios: (shocks ?? usualShocks([...quotes.keys()])).map(scenario), unpriceable }
}

const shockedQuotes = (quotes: Quotes, changes: Shock['prices']): Quotes =>
  new Map([...quotes].map(([asset, price]) => [asset, price.times(changes.get(asset)?.plus(1) ?? 1)]))
