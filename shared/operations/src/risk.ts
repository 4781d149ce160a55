import { Type } from 'typebox'
import { defineOperation } from './define.ts'
import { Nullable, Usd, UserId, WholeUnits } from './scalars.ts'

export const RiskLevel = Type.Enum(['low', 'medium', 'high', 'critical', 'unpriceable'])

/** How risky a user's open positions and debt are, with one more position. */
export const assessPortfolio = defineOperation({
  id: 'assessPortfolio',
  method: 'POST',
  path: '/risk/portfolio',
  request: Type.Object({
    user_id: UserId,
    positions: Type.Array(
      Type.Object({
        asset: Type.String({ minLength: 1, maxLength: 32 }),
        amount: WholeUnits,
        escrow_address: Type.Optional(Nullable(Type.String({ maxLength: 100 })))
      }),
      { maxItems: 1_000 }
    )
  }),
  answer: Type.Object({
    risk_score: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
    risk_level: RiskLevel,
    margin_available: Nullable(Usd)
  })
})
