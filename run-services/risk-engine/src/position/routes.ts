import { parseAddress } from '@fusion-prime/http'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { type Position, wholeUnitsOf } from './position.ts'
import { findPositions } from './store.ts'

const PositionView = Type.Object({
  asset_symbol: Type.String(),
  amount: Type.Union([Type.String(), Type.Null()], {
    description: 'whole units, exact (1.5); null for an asset whose decimals are not known'
  }),
  chain_id: Type.Integer(),
  escrow_address: Type.String(),
  role: Type.String({ description: 'payer, payee or arbiter' }),
  status: Type.String(),
  finality: Type.String({ description: 'lowest level of the facts that made the escrow’s state' })
})
const Positions = Type.Object({ address: Type.String(), positions: Type.Array(PositionView) })
const AddressParams = Type.Object({ address: Type.String() })

/** What the risk engine knows of positions. */
export function positionRoutes({ sql }: { sql: Sql }): FastifyPluginAsync {
  return async app => {
    app.get<{ Params: Static<typeof AddressParams> }>(
      '/positions/:address',
      {
        schema: {
          operationId: 'getPositions',
          summary: 'What an address has at stake in open escrows',
          tags: ['positions'],
          params: AddressParams,
          response: { 200: Positions }
        }
      },
      async request => {
        const address = parseAddress(request.params.address)
        return { address, positions: (await findPositions(sql, address)).map(presentPosition) }
      }
    )
  }
}

function presentPosition(position: Position): Static<typeof PositionView> {
  const { asset_symbol, chain_id, escrow_address, role, status, finality } = position
  return { asset_symbol, amount: wholeUnitsOf(position), chain_id, escrow_address, role, status, finality }
}
