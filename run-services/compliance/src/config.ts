import { serviceConfig } from '@fusion-prime/http'
import { priceSettings } from '@fusion-prime/prices'
import { defineConfig } from '@fusion-prime/runtime'
import { Type } from 'typebox'

export const ComplianceConfig = defineConfig({
  ...serviceConfig,
  ...priceSettings,
  SANCTIONS_LIST_URL: Type.String({
    pattern: '^(file|https?|gs)://.',
    description:
      'the sanctions lists: a file:, https: or gs://<bucket>/<object> URL; http: only on the loopback address; OFAC’s sdn.csv by a name that ends with .csv'
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
  }),
  KYC_VALID_DAYS: Type.Integer({
    default: 365,
    minimum: 1,
    maximum: 3_650,
    description: 'days after its verification for which a KYC case counts as verified'
  }),
  VELOCITY_MAX_PAYMENTS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 1_000_000,
    description: 'payments that a user may make within 24 hours without a review'
  }),
  VELOCITY_MAX_USD: Type.String({
    default: '1000000',
    pattern: '^(0|[1-9][0-9]{0,29})(\\.[0-9]{1,18})?$',
    description: 'USD that a user may pay within 24 hours without a review'
  })
})
