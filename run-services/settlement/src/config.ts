import { callSettings, serviceConfig } from '@fusion-prime/http'
import { defineConfig } from '@fusion-prime/runtime'
import { Type } from 'typebox'

const url = (whose: string) =>
  Type.String({
    pattern: '^https?://[^\\s/]+',
    description: `${whose} root URL (http or https); the audience of the tokens sent there`
  })

export const SettlementConfig = defineConfig({
  ...serviceConfig,
  ...callSettings,
  RISK_ENGINE_URL: url('the risk engine’s'),
  COMPLIANCE_URL: url('compliance’s')
})
