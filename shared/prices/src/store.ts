import type { Sql } from '@fusion-prime/postgres'
import type { Price } from './price.ts'

/** bigint columns come as text; sequences were checked to be safe integers. */
type StoredPrice = Omit<Price, 'sequence'> & { sequence: string }

const fromRow = ({ sequence, ...rest }: StoredPrice): Price => ({ ...rest, sequence: Number(sequence) })

/**
 * Keeps the newest price of each asset and of each of its UTC days, by sequence, in whatever order they come; answers those that
 * are now the newest of their asset, sorted by it. The assets stay locked until the transaction ends.
 */
export async function savePrices(sql: Sql, prices: readonly Price[]): Promise<Price[]> {
  const rows = await sql<StoredPrice[]>`
    with given as (
      select * from unnest(
        ${prices.map(one => one.asset_symbol)}::text[],
        ${prices.map(one => one.price_usd)}::text[],
        ${prices.map(one => one.sequence)}::bigint[],
        ${prices.map(one => one.observed_at.toISOString())}::timestamptz[],
        ${prices.map(one => one.valid_until.toISOString())}::timestamptz[]
      ) as given (asset_symbol, price_usd, sequence, observed_at, valid_until)
    ), closes as (
      insert into price_closes as saved (asset_symbol, day, price_usd, sequence, observed_at)
      select distinct on (asset_symbol collate "C", day) asset_symbol, day, price_usd, sequence, observed_at
      from given cross join lateral (select (observed_at at time zone 'UTC')::date as day)
      where observed_at < now() + interval '1 minute' -- a day that hasn't come would be the last for ever
      order by asset_symbol collate "C", day, sequence desc
      on conflict (asset_symbol, day) do update set
        price_usd = excluded.price_usd, sequence = excluded.sequence, observed_at = excluded.observed_at
      where saved.sequence < excluded.sequence
    )
    insert into prices as saved (asset_symbol, price_usd, sequence, observed_at, valid_until)
    select distinct on (asset_symbol collate "C") asset_symbol, price_usd, sequence, observed_at, valid_until
    from given
    order by asset_symbol collate "C", sequence desc
    on conflict (asset_symbol) do update set
      price_usd = excluded.price_usd, sequence = excluded.sequence, observed_at = excluded.observed_at,
      valid_until = excluded.valid_until, updated_at = now()
    where saved.sequence < excluded.sequence
    returning asset_symbol, price_usd, sequence, observed_at, valid_until`
  return rows.map(fromRow)
}

/** The newest price of each asset, by its symbol; an asset that never had one is missing. */
export async function findPrices(sql: Sql, symbols: readonly string[]): Promise<Map<string, Price>> {
  const rows = await sql<StoredPrice[]>`
    select asset_symbol, price_usd, sequence, observed_at, valid_until from prices
    where asset_symbol = any (${symbols}::text[])`
  return new Map(rows.map(row => [row.asset_symbol, fromRow(row)]))
}

/** The last price of each UTC day (`2026-01-31`) that has one, oldest first. */
export type DailyCloses = ReadonlyMap<string, string>

/** Of the last `days` days that have a close, by symbol. */
export async function dailyCloses(
  sql: Sql,
  { symbols, days }: { symbols: readonly string[]; days: number }
): Promise<Map<string, DailyCloses>> {
  const rows = await sql<{ asset_symbol: string; closes: Record<string, string> }[]>`
    select asset_symbol, json_object_agg(day, price_usd order by day) as closes
    from (select distinct unnest(${symbols}::text[]) as asset_symbol) as given
    cross join lateral (
      select day, price_usd from price_closes
      where price_closes.asset_symbol = given.asset_symbol
      order by day desc limit ${days}
    ) as last
    group by asset_symbol`
  return new Map(rows.map(row => [row.asset_symbol, new Map(Object.entries(row.closes))]))
}

/** Forgets the closes of these assets that are older than `days`; the caller has locked the assets. */
export async function pruneCloses(
  sql: Sql,
  { symbols, days }: { symbols: readonly string[]; days: number }
): Promise<void> {
  await sql`
    delete from price_closes
    where asset_symbol = any (${symbols}::text[]) and day < (now() at time zone 'UTC')::date - ${days}::int`
}
