import { createTestParts } from '@fusion-prime/local/testing/service.ts'
import type { Sql } from '@fusion-prime/postgres'
import { savePrices } from '@fusion-prime/prices'
import type { FastifyInstance } from 'fastify'
import { createRiskEngine, migrations } from '../app.ts'

type Answer = Record<string, unknown> & { status: number }

/** A risk engine on a database of its own, at a time that stands still, with prices of ETH, BTC and USDC. */
export async function createTestRisk() {
  const at = new Date('2026-01-31T12:00:00.000Z')
  const parts = await createTestParts('risk-engine', migrations)
  const create = (): FastifyInstance => createRiskEngine({ ...parts, now: () => at })
  const app = create()
  await setPrices(parts.sql, { prices: { ETH: '3941.34', BTC: '100000', USDC: '1' }, at })

  /** What a request is answered: status and body. */
  async function ask(url: string, body?: object, { by = app, headers = {} } = {}): Promise<Answer> {
    const answer = await by.inject({ method: body ? 'POST' : 'GET', url, headers, ...(body && { payload: body }) })
    return { ...answer.json(), status: answer.statusCode }
  }

  return {
    ...parts,
    app,
    create,
    at,
    ask,
    /** What was published of a user's level, oldest first. */
    told: (user_id: string) =>
      parts.sent
        .map(message => JSON.parse(String(message.data)))
        .filter(body => body.user_id === user_id && body.event_type === 'risk_level_changed'),
    /** The user's margin is watched from now on. */
    owe: (user_id: string, { borrow, collateral = {} }: { borrow: object; collateral?: object }) =>
      ask('/api/v1/margin/health', { user_id, borrow_positions: borrow, collateral_positions: collateral }),
    async close() {
      await app.close()
      await parts.close()
    }
  }
}

/** Each observed at that time; a later time makes a newer price. */
export const setPrices = (sql: Sql, { prices, at }: { prices: Record<string, string>; at: Date }) =>
  savePrices(
    sql,
    Object.entries(prices).map(([asset_symbol, price_usd]) => {
      const valid_until = new Date(at.getTime() + 90_000)
      return { asset_symbol, price_usd, observed_at: at, valid_until, sequence: at.getTime() }
    })
  )

/** One close per day, oldest first, the last on the day given; instead of what there was. */
export async function setCloses(
  sql: Sql,
  { asset_symbol, closes, at }: { asset_symbol: string; closes: readonly (string | number)[]; at: Date }
): Promise<void> {
  await sql`delete from price_closes where asset_symbol = ${asset_symbol}`
  await sql`
    insert into price_closes (asset_symbol, day, price_usd, sequence, observed_at)
    select ${asset_symbol}, ${at}::date - (${closes.length} - position)::int, price_usd, position, ${at}
    from unnest(${closes.map(String)}::text[]) with ordinality as given (price_usd, position)`
}
