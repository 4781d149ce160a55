import { serviceConfig } from '@fusion-prime/http'
import { defineConfig } from '@fusion-prime/runtime'

export const SettlementConfig = defineConfig(serviceConfig)
