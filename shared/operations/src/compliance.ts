import { Type } from 'typebox'
import { defineOperation } from './define.ts'
import { Nullable, UserId, WholeUnits } from './scalars.ts'

/** Whether a payment may be made: KYC of the user, sanctions screening of both parties, AML rules. */
export const checkCompliance = defineOperation({
  id: 'checkCompliance',
  method: 'POST',
  path: '/compliance/check',
  request: Type.Object({
    user_id: UserId,
    payer_address: Type.String({ minLength: 1, maxLength: 200 }),
    payee_address: Type.String({ minLength: 1, maxLength: 200 }),
    amount: WholeUnits,
    asset: Type.String({ minLength: 1, maxLength: 32 }),
    /** What the amount is worth; without it, it is priced. */
    amount_usd: Type.Optional(WholeUnits),
    /** Whose threshold of the Travel Rule applies: FATF, US or EU. */
    jurisdiction: Type.Optional(Type.String({ maxLength: 32 })),
    /** Payments of one workflow count once. */
    workflow_id: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 200 }))),
    /** The same id gives the same answer. */
    check_id: Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
  }),
  answer: Type.Object({
    check_id: Type.String(),
    status: Type.Enum(['approved', 'review', 'rejected']),
    approved: Type.Boolean(),
    /** What was passed: `kyc_verified`, `aml_clear`, … */
    checks: Type.Array(Type.String()),
    /** Why it isn't approved: stable codes. */
    reasons: Type.Array(Type.String())
  })
})
