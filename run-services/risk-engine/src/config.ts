import { serviceConfig } from '@fusion-prime/http'
import { priceSettings } from '@fusion-prime/prices'
import { defineConfig } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'

const riskSettings = {
  ...priceSettings,
  PRICE_SUBSCRIPTION: Type.String({
    default: 'risk-engine-prices-consumer',
    pattern: '^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$',
    description: 'name of the subscription that pushes prices'
  }),
  DEFAULT_VOLATILITY: Type.String({
    default: '{"ETH":"0.04","BTC":"0.035","USDC":"0.001","LINK":"0.05","SHIB":"0.07","YFI":"0.06"}',
    // A flat object of decimal texts; JSON.parse needs no more checks.
    pattern:
      '^\\{(\\s*"[A-Za-z0-9.]{1,32}"\\s*:\\s*"(0|[1-9][0-9]{0,2})(\\.[0-9]{1,18})?"\\s*(,(?=\\s*")|(?=\\})))*\\s*\\}$',
    description: 'JSON: standard deviation of an asset’s daily log returns while its own prices are too few'
  })
}

/** Settings of the risk engine's own; each has a default. */
export const RiskSettings = defineConfig(riskSettings)
export type RiskSettings = Static<typeof RiskSettings>

export const RiskEngineConfig = defineConfig({ ...serviceConfig, ...riskSettings })

/** Daily volatility by asset, as decimal texts. */
export const volatilityOf = ({ DEFAULT_VOLATILITY }: RiskSettings): Record<string, string> =>
  JSON.parse(DEFAULT_VOLATILITY)
