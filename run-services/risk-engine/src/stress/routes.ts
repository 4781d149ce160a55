import { HttpProblem } from '@fusion-prime/http'
import { assessPortfolio, Nullable, Usd } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { parseDecimal } from '../decimal.ts'
import { loadPortfolio, type PortfolioSettings } from '../portfolio/load.ts'
import { borrowField, parseSubject, subjectFields } from '../portfolio/subject.ts'
import { VOLATILITY_DAYS } from '../statistics/volatility.ts'
import { type Shock, stress } from './stress.ts'

const ShockFields = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  prices: Type.Record(
    Type.String(),
    Type.Union([Type.String({ pattern: '^-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,18})?$' }), Type.Number({ maximum: 9_999 })]),
    { maxProperties: 1_000, description: 'relative change of the price by asset: {"ETH": "-0.3"} is a fall by 30 %' }
  )
})
const Question = Type.Object({
  ...subjectFields,
  ...borrowField,
  shocks: Type.Optional(
    Type.Array(ShockFields, {
      maxItems: 50,
      description: 'default: the market falls by 10, 30, 50 %, stablecoins fall'
    })
  )
})
const Scenario = Type.Object({
  name: Type.String(),
  total_value_usd: Usd,
  health_score: Nullable(Type.Number()),
  status: Type.String(),
  total_collateral_usd: Usd,
  total_borrow_usd: Usd,
  liquidation_price_drop_percent: Nullable(Type.String()),
  risk_score: Type.Number(),
  risk_level: assessPortfolio.answer.properties.risk_level
})
const Answer = Type.Object({
  current: Nullable(Scenario),
  scenarios: Type.Array(Scenario),
  unpriceable: Type.Array(Type.String(), { description: 'assets that no fresh price is known of' })
})

/** How a portfolio would stand if prices moved. */
export function stressRoutes(deps: PortfolioSettings & { sql: Sql }): FastifyPluginAsync {
  return async app => {
    app.post<{ Body: Static<typeof Question> }>(
      '/risk/stress',
      {
        schema: {
          operationId: 'stressPortfolio',
          summary: 'How a portfolio and its margin would stand after price shocks',
          tags: ['risk'],
          body: Question,
          response: { 200: Answer }
        }
      },
      async ({ body }) => {
        const shocks = body.shocks?.map(parseShock)
        const portfolio = await loadPortfolio(deps.sql, parseSubject(body), { ...deps, days: VOLATILITY_DAYS })
        return stress(portfolio, { shocks, defaults: deps.defaultVolatility })
      }
    )
  }
}

function parseShock({ name, prices }: Static<typeof ShockFields>): Shock {
  const changes = Object.entries(prices).map(([asset, change]) => [asset, parseDecimal(change)] as const)
  const impossible = changes.find(([, change]) => change.lt(-1))
  if (impossible) throw new HttpProblem(400, `${impossible[0]} can’t fall by more than -1, which is everything`)
  return { name, prices: new Map(changes) }
}
