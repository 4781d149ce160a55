import { HttpProblem, type ServiceDeps } from '@fusion-prime/http'
import { assessPortfolio, Nullable, type RequestOf, Usd, UserId } from '@fusion-prime/operations'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { parseHolding } from '../portfolio/holdings.ts'
import type { PortfolioSettings } from '../portfolio/load.ts'
import { userOf } from '../portfolio/subject.ts'
import { recordAssessment } from './record.ts'
import { listAssessments } from './store.ts'

const assessmentFields = {
  ...assessPortfolio.answer.properties,
  total_value_usd: Nullable(Usd),
  borrow_usd: Nullable(Usd),
  hhi: Nullable(Type.String({ description: 'concentration: Herfindahl-Hirschman index of shares, 0 to 1' })),
  sigma_day: Nullable(Type.String({ description: 'daily deviation, as a fraction' })),
  positions: Type.Integer({ description: 'how many, those in the user’s other open escrows included' }),
  unpriceable: Type.Array(Type.String(), { description: 'assets that no fresh price is known of' })
}
const Assessed = Type.Object(assessmentFields)

const Outcome = Type.Object({
  command_id: Type.String(),
  workflow_id: Type.String(),
  outcome: Type.String(),
  reason: Nullable(Type.String())
})
const Item = Type.Object({
  assessed_at: Type.String(),
  ...assessmentFields,
  correlation_id: Type.String(),
  outcomes: Type.Array(Outcome, { description: 'of the commands with this correlation id, newest first' })
})
const Page = Type.Object({ items: Type.Array(Item), next_cursor: Nullable(Type.String()) })
const Params = Type.Object({ user_id: UserId })
const Query = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String())
})

export type AssessmentDeps = PortfolioSettings & Pick<ServiceDeps, 'sql' | 'log' | 'sweeper'>

/** How risky users' portfolios are, and were: every answer is kept. */
export function assessmentRoutes(deps: AssessmentDeps): FastifyPluginAsync {
  const { sql, log, sweeper } = deps
  const tags = ['risk']
  return async app => {
    app.post<{ Body: RequestOf<typeof assessPortfolio> }>(
      assessPortfolio.path,
      {
        schema: {
          operationId: assessPortfolio.id,
          summary: 'How risky a user’s open positions and debt are, with more positions',
          tags,
          body: assessPortfolio.request,
          response: { 200: Assessed }
        }
      },
      async request => {
        const user_id = userOf(request.body.user_id)
        const cause = { correlation_id: request.correlationId, traceparent: newTraceparent() }
        const positions = request.body.positions.map(parseHolding)
        const { assessment, announced } = await recordAssessment(sql, { user_id, positions, cause, settings: deps })
        const { risk_score, risk_level, unpriceable } = assessment
        const { correlation_id } = cause
        log.info({ user_id, risk_score, risk_level, unpriceable, correlation_id }, 'portfolio_assessed')
        if (announced || sweeper.isBehind()) await sweeper.flush()
        return assessment
      }
    )

    app.get<{ Params: Static<typeof Params>; Querystring: Static<typeof Query> }>(
      '/risk/users/:user_id/history',
      {
        schema: {
          operationId: 'getRiskHistory',
          summary: 'Assessments of a user, newest first, a page at a time',
          tags,
          params: Params,
          querystring: Query,
          response: { 200: Page }
        }
      },
      async request => {
        const { limit = 50, cursor } = request.query
        const before = cursor === undefined ? undefined : parseCursor(cursor)
        const rows = await listAssessments(sql, { user_id: userOf(request.params.user_id), before, limit: limit + 1 })
        const page = rows.slice(0, limit)
        const last = page.at(-1)
        return {
          items: page.map(row => ({ ...row, assessed_at: row.assessed_at.toISOString() })),
          next_cursor: rows.length > limit && last ? last.assessment_id : null
        }
      }
    )
  }
}

function parseCursor(cursor: string): string {
  if (!/^[1-9][0-9]{0,17}$/.test(cursor)) throw new HttpProblem(400, 'cursor is not one that this service gave')
  return cursor
}
