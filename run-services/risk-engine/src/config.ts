import { serviceConfig } from '@fusion-prime/http'
import { defineConfig } from '@fusion-prime/runtime'

export const RiskEngineConfig = defineConfig(serviceConfig)
