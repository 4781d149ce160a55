import { Nullable, Usd } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { loadPortfolio, type PortfolioSettings } from '../portfolio/load.ts'
import { parseSubject, subjectFields } from '../portfolio/subject.ts'
import { describeConcentration, describeLoss, LOSS_DAYS } from './answers.ts'

const Unpriceable = Type.Array(Type.String(), { description: 'assets that no fresh price is known of' })

const LossQuestion = Type.Object({
  ...subjectFields,
  confidence: Type.Optional(Type.Number({ minimum: 0.5, maximum: 0.9999, default: 0.99 })),
  horizon_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 1 })),
  method: Type.Optional(Type.Enum(['historical', 'parametric']))
})

const Loss = Type.Object({
  method: Type.String(),
  confidence: Type.Number(),
  horizon_days: Type.Integer(),
  total_value_usd: Nullable(Usd),
  var_usd: Nullable(Usd),
  cvar_usd: Nullable(Usd),
  observations: Type.Integer({ description: 'daily returns that the figures are read from; 0 for parametric ones' }),
  sigma_day: Nullable(Type.String({ description: 'daily deviation of parametric figures, as a fraction' })),
  reason: Nullable(Type.String({ description: 'why there are no figures: unpriceable or too_few_closes' })),
  unpriceable: Unpriceable
})

const Share = Type.Object({ asset: Type.String(), value_usd: Usd, share: Type.String({ description: 'a fraction' }) })
const Concentration = Type.Object({
  total_value_usd: Nullable(Usd),
  hhi: Nullable(Type.String({ description: 'Herfindahl-Hirschman index of the shares, 0 to 1' })),
  largest: Nullable(Share),
  assets: Type.Array(Share, { description: 'largest first' }),
  unpriceable: Unpriceable
})
const ConcentrationQuestion = Type.Object(subjectFields)

/** What a portfolio may lose, and how much of it is in one asset. */
export function statisticsRoutes(deps: PortfolioSettings & { sql: Sql }): FastifyPluginAsync {
  const { sql } = deps
  const tags = ['risk']
  return async app => {
    app.post<{ Body: Static<typeof LossQuestion> }>(
      '/risk/var',
      {
        schema: {
          operationId: 'computeValueAtRisk',
          summary: 'What a portfolio may lose within days, at a confidence, and on average beyond',
          tags,
          body: LossQuestion,
          response: { 200: Loss }
        }
      },
      async ({ body }) => {
        const portfolio = await loadPortfolio(sql, parseSubject(body), { ...deps, days: LOSS_DAYS })
        return describeLoss(portfolio, { question: body, defaults: deps.defaultVolatility })
      }
    )

    app.post<{ Body: Static<typeof ConcentrationQuestion> }>(
      '/risk/concentration',
      {
        schema: {
          operationId: 'measureConcentration',
          summary: 'How much of a portfolio is in each asset',
          tags,
          body: ConcentrationQuestion,
          response: { 200: Concentration }
        }
      },
      async ({ body }) => describeConcentration(await loadPortfolio(sql, parseSubject(body), { ...deps, days: 0 }))
    )
  }
}
