import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Decimal, parseDecimal } from '../decimal.ts'
import { ageFault, type Reading } from '../reading.ts'

const INTEGER = '^-?[0-9]{1,20}$'

const PythFeed = Type.Object({
  id: Type.String(),
  // 64-bit integers, and what is read as text because it may be beyond a double.
  price: Type.Object({
    price: Type.String({ pattern: '^-?[0-9]{1,60}$' }),
    conf: Type.String({ pattern: '^[0-9]{1,60}$' }),
    expo: Type.String({ pattern: INTEGER }),
    publish_time: Type.String({ pattern: INTEGER })
  })
})

export const PythAnswer = Type.Object({ parsed: Type.Array(Type.Unknown(), { maxItems: 1_000 }) })

const BASIS_POINTS = 10_000

/** A feed's price as Hermes tells it (numbers already read as text): fresh, positive, and sure to within `maxConfidenceBps`. `now` in milliseconds. */
export function parsePythFeed(
  feed: unknown,
  { maxAgeSeconds, maxConfidenceBps, now }: { maxAgeSeconds: number; maxConfidenceBps: number; now: number }
): Reading {
  if (!Value.Check(PythFeed, feed)) return { refused: 'malformed' }
  const scaled = scale(feed.price)
  if (!scaled) return { refused: 'malformed' }
  const { price, conf } = scaled
  if (price.lte(0)) return { refused: 'not_positive' }
  const fault = ageFault({ observedAt: Number(feed.price.publish_time) * 1000, now, maxAgeSeconds })
  if (fault) return { refused: fault }
  if (conf.times(BASIS_POINTS).gt(price.times(maxConfidenceBps))) return { refused: 'confidence' }
  return { price }
}

function scale({ price, conf, expo }: Static<typeof PythFeed>['price']): { price: Decimal; conf: Decimal } | undefined {
  if (Math.abs(Number(expo)) > 60) return undefined
  const unit = new Decimal(10).pow(expo)
  const scaled = parseDecimal(new Decimal(price).times(unit).toFixed())
  return scaled && { price: scaled, conf: new Decimal(conf).times(unit) }
}

/** One request for all feeds; each id as 64 hex digits without 0x. */
export function hermesUrl(base: string, ids: readonly string[]): string {
  const query = new URLSearchParams(ids.map((id): [string, string] => ['ids[]', id]))
  query.append('parsed', 'true')
  query.append('ignore_invalid_price_ids', 'true') // else one unknown id costs all the others
  return `${base.replace(/\/$/, '')}/v2/updates/price/latest?${query}`
}

/** The feed with this id among those that Hermes answered. */
export const findFeed = (feeds: readonly unknown[], id: string): unknown =>
  feeds.find(feed => Value.Check(PythFeed, feed) && feed.id.replace(/^0x/, '').toLowerCase() === id)
