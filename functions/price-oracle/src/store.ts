import type { Sql } from '@fusion-prime/postgres'
import type { AssetState, Observed } from './decide.ts'
import { Decimal, priceText } from './decimal.ts'

type Row = {
  asset_symbol: string
  sequence: string
  price_usd: string | null
  observed_at: Date | null
  held_price_usd: string | null
  held_at: Date | null
}

/** Locks the rows of these assets until the transaction ends, in one order for all, and answers what is in them. */
export async function lockStates(sql: Sql, assets: readonly string[]): Promise<Map<string, AssetState>> {
  await sql`
    insert into price_rounds (asset_symbol)
    select asset_symbol from unnest(${[...assets]}::text[]) as given (asset_symbol) order by asset_symbol
    on conflict do nothing`
  const rows = await sql<Row[]>`
    select asset_symbol, sequence, price_usd, observed_at, held_price_usd, held_at
    from price_rounds where asset_symbol = any (${[...assets]}::text[]) order by asset_symbol for update`
  return new Map(
    rows.map(row => [
      row.asset_symbol,
      {
        sequence: Number(row.sequence),
        last: observed(row.price_usd, row.observed_at),
        held: observed(row.held_price_usd, row.held_at)
      }
    ])
  )
}

const observed = (price: string | null, at: Date | null): Observed | undefined =>
  price === null || at === null ? undefined : { price: new Decimal(price), at: at.getTime() }

export async function saveStates(sql: Sql, states: ReadonlyMap<string, AssetState>): Promise<void> {
  const all = [...states.values()]
  const price = (one: Observed | undefined) => (one ? priceText(one.price) : null)
  const time = (one: Observed | undefined) => (one ? new Date(one.at).toISOString() : null)
  await sql`
    update price_rounds as kept set
      sequence = given.sequence, price_usd = given.price_usd, observed_at = given.observed_at,
      held_price_usd = given.held_price_usd, held_at = given.held_at
    from unnest(
      ${[...states.keys()]}::text[],
      ${all.map(state => String(state.sequence))}::bigint[],
      ${all.map(state => price(state.last))}::numeric[],
      ${all.map(state => time(state.last))}::timestamptz[],
      ${all.map(state => price(state.held))}::numeric[],
      ${all.map(state => time(state.held))}::timestamptz[]
    ) as given (asset_symbol, sequence, price_usd, observed_at, held_price_usd, held_at)
    where kept.asset_symbol = given.asset_symbol`
}
