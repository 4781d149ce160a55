import { Reference } from '@fusion-prime/events'
import { HttpProblem } from '@fusion-prime/http'
import { type AnswerOf, checkCompliance } from '@fusion-prime/operations'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { userKey } from '../kyc/kyc.ts'
import { parseParty } from '../sanctions/party-address.ts'
import { plainDecimal } from './amount.ts'
import { type CheckDeps, check } from './check.ts'
import type { Input } from './decide.ts'
import { isJurisdiction, jurisdictions } from './rules.ts'

/** The operation's request, as strict as what is stored and announced. */
const Request = Type.Object({
  ...checkCompliance.request.properties,
  payer_address: Reference,
  payee_address: Reference,
  asset: Type.String({ minLength: 1, maxLength: 32, pattern: '^[^\\p{C}]+$' }),
  check_id: Type.Optional(Reference),
  workflow_id: Type.Optional(
    Type.Union([Reference, Type.Null()], {
      description: 'what the payment belongs to: several checks of one count as one payment towards the limits'
    })
  )
})

/** Whether payments may be made. */
export function checkRoutes(deps: CheckDeps & { now: () => Date }): FastifyPluginAsync {
  return async app => {
    app.post<{ Body: Static<typeof Request> }>(
      checkCompliance.path,
      {
        schema: {
          operationId: checkCompliance.id,
          summary: 'Decide whether a payment may be made: KYC, sanctions lists, anti-money-laundering rules',
          tags: ['compliance'],
          body: Request,
          response: { 200: checkCompliance.answer }
        }
      },
      async ({ body, caller, correlationId }): Promise<AnswerOf<typeof checkCompliance>> => {
        const act = { actor: caller, at: deps.now(), correlation_id: correlationId, traceparent: newTraceparent() }
        const decision = await check(deps, { check_id: body.check_id, input: inputOf(body) }, act)
        const { check_id, status, approved, checks, reasons } = decision
        return { check_id, status, approved, checks, reasons }
      }
    )
  }
}

function inputOf(body: Static<typeof Request>): Input {
  const { amount, amount_usd, jurisdiction } = body
  return {
    user_id: userKey(body.user_id),
    payer_address: parseParty(body.payer_address),
    payee_address: parseParty(body.payee_address),
    amount: plainDecimal(amount),
    asset: body.asset,
    amount_usd: amount_usd === undefined ? null : plainDecimal(amount_usd),
    jurisdiction: jurisdiction === undefined ? null : parseJurisdiction(jurisdiction),
    workflow_id: body.workflow_id ?? null
  }
}

function parseJurisdiction(text: string) {
  const name = text.toUpperCase()
  if (isJurisdiction(name)) return name
  throw new HttpProblem(
    400,
    `jurisdiction is one of ${jurisdictions.join(', ')}; without it the user’s country decides`
  )
}
