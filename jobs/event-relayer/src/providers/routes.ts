import { HttpProblem } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Providers } from './pool.ts'

const Nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const health = {
  id: Type.String({ description: 'place among RPC_URLS, and host' }),
  healthy: Type.Boolean({ description: 'whether it is asked now' }),
  score: Type.Number({ description: '1 is best' }),
  breaker: Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('half_open')]),
  open_until: Nullable(Type.String()),
  rate_limited_until: Nullable(Type.String()),
  success_rate: Type.Number({ description: 'of calls, lately: 0 to 1' }),
  latency_ms: Nullable(Type.Number()),
  head: Nullable(Type.Integer()),
  head_lag: Type.Integer({ description: 'blocks behind the highest head known' }),
  wrong_answers: Type.Record(Type.String(), Type.Integer(), { description: 'by kind' })
}
const Health = Type.Object(health)
const Tally = Type.Object({ calls: Type.Integer(), failures: Type.Integer(), bytes: Type.Integer() })
const Status = Type.Object({
  ...health,
  methods: Type.Record(Type.String(), Tally),
  bytes: Type.Integer(),
  cost: Type.Number({ description: 'calls times their relative prices' }),
  limits: Type.Object({ max_blocks: Type.Integer(), max_addresses: Type.Optional(Type.Integer()) })
})
const ProviderList = Type.Object({ items: Type.Array(Status) })
const ProviderParams = Type.Object({ id: Type.String() })

/** How the chain's providers do. */
export function providerRoutes({ providers }: { providers: Pick<Providers, 'status'> }): FastifyPluginAsync {
  return async app => {
    const tags = ['providers']

    app.get(
      '/providers',
      {
        schema: {
          operationId: 'listProviders',
          summary: 'Providers of the chain, in the order of RPC_URLS',
          tags,
          response: { 200: ProviderList }
        }
      },
      async () => ({ items: providers.status() })
    )

    app.get<{ Params: Static<typeof ProviderParams> }>(
      '/providers/:id/health',
      {
        schema: {
          operationId: 'getProviderHealth',
          summary: 'Health of a provider',
          tags,
          params: ProviderParams,
          response: { 200: Health }
        }
      },
      async request => {
        const found = providers.status().find(({ id }) => id === request.params.id)
        if (!found) throw new HttpProblem(404, `no provider is called ${request.params.id}: GET /providers lists them`)
        return found
      }
    )
  }
}
