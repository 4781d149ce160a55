import { Nullable } from '@fusion-prime/events'
import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import { type Sql, transaction } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { findEscrowsOf } from '../party/store.ts'
import { parseAnyAddress } from '../sanctions/party-address.ts'
import type { Rescreening } from './rescreen.ts'
import { type ScreenDeps, screen } from './screen.ts'
import { findScreenings } from './store.ts'

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
const RescreeningView = Type.Object({
  list_version: Type.String(),
  addresses: Type.Integer({ description: 'that this list screened again' }),
  names: Type.Integer(),
  matches: Type.Integer({ description: 'parties of escrows and names that were newly found' }),
  started_at: Type.String(),
  finished_at: Nullable(Type.String({ description: 'null while something is left: call again' }))
})

const AddressParams = Type.Object({ address: Type.String() })

/** What compliance knows of addresses. */
export function screeningRoutes(
  deps: ScreenDeps & { sql: Sql; sweeper: OutboxSweeper; rescreening: Rescreening }
): FastifyPluginAsync {
  const { sql, sweeper, rescreening } = deps
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
        const address = parseAnyAddress(request.params.address)
        const { matches } = await transaction(sql, tx => screen(tx, { ...deps, addresses: [address] }))
        if (matches > 0) await sweeper.flush()
        const [screening] = await findScreenings(sql, [address])
        if (!screening) throw new Error(`the screening of ${address} was not saved`)
        const { result, list, list_version, screened_at } = screening
        const escrows = await findEscrowsOf(sql, address)
        return { address, result, list, list_version, screened_at: screened_at.toISOString(), escrows }
      }
    )

    app.post(
      '/screenings/rescreen',
      {
        schema: {
          operationId: 'rescreen',
          summary: 'Screen all parties and names that the list in force did not screen yet, for a while',
          tags: ['screenings'],
          response: { 200: RescreeningView }
        }
      },
      async (): Promise<Static<typeof RescreeningView>> => {
        const progress = await rescreening.run()
        await sweeper.flush()
        if (!progress) throw new HttpProblem(503, 'no list of sanctions is in force: try again')
        const { started_at, finished_at, ...counts } = progress
        return { ...counts, started_at: started_at.toISOString(), finished_at: finished_at?.toISOString() ?? null }
      }
    )
  }
}
