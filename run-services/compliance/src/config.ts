import { serviceConfig } from '@fusion-prime/http'
import { defineConfig } from '@fusion-prime/runtime'
import { Type } from 'typebox'

export const ComplianceConfig = defineConfig({
  ...serviceConfig,
  SANCTIONS_LIST_URL: Type.String({
    pattern: '^(file|https?|gs)://.',
    description:
      'the sanctions lists: a file:, https: or gs://<bucket>/<object> URL; http: only on the loopback address'
  }),
  SANCTIONS_MAX_AGE_HOURS: Type.Integer({
    default: 24,
    minimum: 1,
    maximum: 8_760,
    description: 'hours after the lists’ as_of for which they may be used'
  }),
  SANCTIONS_REFRESH_SECONDS: Type.Integer({
    default: 300,
    minimum: 1,
    maximum: 86_400,
    description: 'seconds between two readings of the lists'
  })
})
