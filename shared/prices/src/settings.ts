import { Type } from 'typebox'

/** Settings of every service that values assets. */
export const priceSettings = {
  PRICE_MAX_AGE_SECONDS: Type.Integer({
    default: 90,
    minimum: 1,
    maximum: 86_400,
    description: 'seconds after which a price is stale, whatever its valid_until says'
  })
}
