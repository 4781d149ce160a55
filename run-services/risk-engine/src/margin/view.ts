import { HttpProblem } from '@fusion-prime/http'
import { Nullable, Usd, UserId, WholeUnits } from '@fusion-prime/operations'
import { isFresh } from '@fusion-prime/prices'
import { type Static, Type } from 'typebox'
import { formatDecimal, parseAmount } from '../decimal.ts'
import type { Valuation } from './evaluate.ts'
import type { Holder, Holdings } from './margin.ts'
import type { Valued } from './watch.ts'

export const MarginStatus = Type.Enum(['HEALTHY', 'WARNING', 'MARGIN_CALL', 'LIQUIDATION', 'UNPRICEABLE'])

const Positions = Type.Record(Type.String({ pattern: '^[A-Za-z0-9.]{1,32}$' }), WholeUnits, {
  maxProperties: 50,
  additionalProperties: false,
  description: 'whole units by asset: {"ETH": "1.5"}'
})

export const MarginRequest = Type.Object({
  user_id: UserId,
  collateral_positions: Positions,
  borrow_positions: Positions,
  monitor: Type.Optional(
    Type.Boolean({ default: true, description: 'false: only evaluate; what is watched of the user stays as it is' })
  )
})

const PriceUsed = Type.Object({
  asset_symbol: Type.String(),
  price_usd: Type.String(),
  observed_at: Type.String(),
  age_seconds: Type.Number(),
  fresh: Type.Boolean()
})

export const MarginHealth = Type.Object({
  user_id: UserId,
  health_score: Nullable(Type.Number({ description: '100 (C - B) / B to 2 places; null without debt or price' })),
  status: MarginStatus,
  total_collateral_usd: Nullable(Usd),
  total_borrow_usd: Nullable(Usd),
  liquidation_price_drop_percent: Nullable(
    Type.String({ description: 'how far the collateral’s worth may fall until LIQUIDATION, to 2 places' })
  ),
  unpriceable: Type.Array(Type.String(), { description: 'assets without a fresh price' }),
  monitored: Type.Boolean(),
  prices: Type.Array(PriceUsed),
  evaluated_at: Type.String()
})

/** Amounts from here on, in whole units, would make sums in USD longer than a message may carry. */
const MAX_EXPONENT = 50

/** The holdings of a request, exact; a position of zero is none. HttpProblem 400 for what is no amount. */
export const holderOf = ({ collateral_positions, borrow_positions }: Static<typeof MarginRequest>): Holder => ({
  collateral: holdingsOf(collateral_positions),
  borrow: holdingsOf(borrow_positions)
})

function holdingsOf(positions: Static<typeof Positions>): Holdings {
  const amounts = Object.entries(positions).map(([asset, given]) => ({ asset, amount: parseAmount(given) }))
  const tooLarge = amounts.find(({ amount }) => amount.e >= MAX_EXPONENT)
  if (tooLarge)
    throw new HttpProblem(400, `the amount of ${tooLarge.asset} is too large: give less than 1e${MAX_EXPONENT}`)
  return Object.fromEntries(
    amounts.filter(({ amount }) => !amount.isZero()).map(({ asset, amount }) => [asset, formatDecimal(amount)])
  )
}

const unpriced = {
  health_score: null,
  total_collateral_usd: null,
  total_borrow_usd: null,
  liquidation_price_drop_percent: null
}

export function presentMargin(
  { evaluation, market: { prices, at } }: Valued,
  { user_id, monitored, maxAgeSeconds }: { user_id: string; monitored: boolean } & Pick<Valuation, 'maxAgeSeconds'>
): Static<typeof MarginHealth> {
  const used = [...prices.values()].map(price => ({
    asset_symbol: price.asset_symbol,
    price_usd: price.price_usd,
    observed_at: price.observed_at.toISOString(),
    age_seconds: (at.getTime() - price.observed_at.getTime()) / 1_000,
    fresh: isFresh(price, { now: at, maxAgeSeconds })
  }))
  const common = { user_id, monitored, prices: used, evaluated_at: at.toISOString() }
  if (evaluation.status === 'UNPRICEABLE') return { ...unpriced, ...evaluation, ...common }
  const { margin: _, ...health } = evaluation
  return { ...health, unpriceable: [], ...common }
}
