import { parseAddress } from '@fusion-prime/http'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { findEscrowsOf } from '../party/store.ts'
import { type ScreenDeps, screen } from './screen.ts'
import { findScreenings } from './store.ts'

const Nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const EscrowOfAddress = Type.Object({
  chain_id: Type.Integer(),
  escrow_address: Type.String(),
  status: Type.String()
})
const ScreeningView = Type.Object({
  address: Type.String(),
  result: Type.String({ description: 'clear, match, or unknown while there is no list that may be used' }),
  list: Nullable(Type.String({ description: 'name of the list that has the address' })),
  list_version: Nullable(Type.String()),
  screened_at: Type.String(),
  escrows: Type.Array(EscrowOfAddress, { description: 'in which the address was named, reverted ones left out' })
})
const AddressParams = Type.Object({ address: Type.String() })

/** What compliance knows of addresses. */
export function screeningRoutes(deps: ScreenDeps & { sql: Sql }): FastifyPluginAsync {
  const { sql } = deps
  return async app => {
    app.get<{ Params: Static<typeof AddressParams> }>(
      '/screenings/:address',
      {
        schema: {
          operationId: 'getScreening',
          summary: 'What the sanctions lists say of an address, and its escrows',
          tags: ['screenings'],
          params: AddressParams,
          response: { 200: ScreeningView }
        }
      },
      async (request): Promise<Static<typeof ScreeningView>> => {
        const address = parseAddress(request.params.address)
        await screen(sql, { ...deps, addresses: [address] })
        const [screening] = await findScreenings(sql, [address])
        if (!screening) throw new Error(`the screening of ${address} was not saved`)
        const { result, list, list_version, screened_at } = screening
        const escrows = await findEscrowsOf(sql, address)
        return { address, result, list, list_version, screened_at: screened_at.toISOString(), escrows }
      }
    )
  }
}
