import type { Sql } from '@fusion-prime/postgres'
import type { WatchState } from './announce.ts'
import { assetsOf, type Holder, type MarginStatus } from './margin.ts'

export type Watch = WatchState & Holder
export type WatchSummary = Pick<WatchState, 'user_id' | 'status' | 'health_score'> & { evaluated_at: Date }

/** numeric and bigint columns come as text. */
type StoredWatch = Omit<Watch, 'health_score' | 'messages'> & { health_score: string | null; messages: string }

const numberOf = (text: string | null): number | null => (text === null ? null : Number(text))

const fromRow = ({ health_score, messages, ...rest }: StoredWatch): Watch => ({
  ...rest,
  health_score: numberOf(health_score),
  messages: Number(messages)
})

const columns = (sql: Sql) => sql`user_id, collateral, borrow, status, health_score, alerted, messages`

/**
 * Until the transaction ends, whoever prices these assets waits for whoever begins to watch one, and the other way round:
 * else a price and a new watch that are written at once would not see each other.
 */
export async function lockAssets(
  sql: Sql,
  { assets, to }: { assets: readonly string[]; to: 'price' | 'watch' }
): Promise<void> {
  const lock = to === 'price' ? sql`pg_advisory_xact_lock` : sql`pg_advisory_xact_lock_shared`
  await sql`
    select ${lock}(hashtextextended('margin of ' || asset, 0)) from unnest(${[...assets].sort()}::text[]) as given (asset)`
}

/** Which watches: of those that hold one of the assets so many, by user, after the one given. */
export type Page = { assets: readonly string[]; after: string; limit: number }

/** The watches that hold one of the assets, locked in the order of their users. */
export async function lockHolders(sql: Sql, { assets, after, limit }: Page): Promise<Watch[]> {
  const rows = await sql<StoredWatch[]>`
    select ${columns(sql)} from margin_watches where watched and assets && ${assets}::text[] and user_id > ${after}
    order by user_id
    limit ${limit}
    for update`
  return rows.map(fromRow)
}

/** Those of them that had a price for all they hold. */
export async function lockPriced(sql: Sql, { assets, after, limit }: Page): Promise<Watch[]> {
  const rows = await sql<StoredWatch[]>`
    select ${columns(sql)} from margin_watches
    where watched and assets && ${assets}::text[] and status <> 'UNPRICEABLE' and user_id > ${after}
    order by user_id
    limit ${limit}
    for update`
  return rows.map(fromRow)
}

/** Watches a user from now on, with these holdings instead of any before; locked. What the user was told stays known. */
export async function startWatch(sql: Sql, { user_id, ...holder }: Holder & { user_id: string }): Promise<Watch> {
  const { collateral, borrow } = holder
  const [row] = await sql<[StoredWatch]>`
    insert into margin_watches (user_id, watched, collateral, borrow, assets)
    values (
      ${user_id}, true, ${JSON.stringify(collateral)}::text::jsonb, ${JSON.stringify(borrow)}::text::jsonb,
      ${assetsOf(holder)}::text[]
    )
    on conflict (user_id) do update set
      watched = true, collateral = excluded.collateral, borrow = excluded.borrow, assets = excluded.assets
    returning ${columns(sql)}`
  return fromRow(row)
}

/** Forgets what a user holds and how it stood; whether it was watched. */
export async function stopWatch(sql: Sql, user_id: string): Promise<boolean> {
  const stopped = await sql`
    update margin_watches set watched = false, collateral = '{}', borrow = '{}', assets = '{}', status = null, health_score = null,
      alerted = null, evaluated_at = null
    where user_id = ${user_id} and watched`
  return stopped.count > 0
}

/** Keeps how locked watches stand now. */
export async function saveWatches(
  sql: Sql,
  { states, at }: { states: readonly WatchState[]; at: Date }
): Promise<void> {
  await sql`
    update margin_watches as saved set
      status = given.status, health_score = given.health_score, alerted = given.alerted, messages = given.messages, evaluated_at = ${at}
    from unnest(
      ${states.map(one => one.user_id)}::text[],
      ${states.map(one => one.status)}::text[],
      ${states.map(one => one.health_score)}::numeric[],
      ${states.map(one => one.alerted)}::smallint[],
      ${states.map(one => one.messages)}::bigint[]
    ) as given (user_id, status, health_score, alerted, messages)
    where saved.user_id = given.user_id`
}

/** What a watched user holds; undefined for anybody else. */
export async function findHolder(sql: Sql, user_id: string): Promise<Holder | undefined> {
  const [row] = await sql<Holder[]>`
    select collateral, borrow from margin_watches where user_id = ${user_id} and watched`
  return row
}

/** A page of watched users by their id, as they stood when they were last evaluated. */
export async function listWatches(
  sql: Sql,
  { status, after, limit }: { status: MarginStatus | undefined; after: string; limit: number }
): Promise<WatchSummary[]> {
  const rows = await sql<(Omit<WatchSummary, 'health_score'> & { health_score: string | null })[]>`
    select user_id, status, case when status <> 'UNPRICEABLE' then health_score end as health_score, evaluated_at
    from margin_watches
    where watched and user_id > ${after} ${status ? sql`and status = ${status}` : sql``}
    order by user_id
    limit ${limit}`
  return rows.map(row => ({ ...row, health_score: numberOf(row.health_score) }))
}

/** How many watched users have each status. */
export async function countWatches(sql: Sql): Promise<Record<string, number>> {
  const rows = await sql<{ status: string; users: number }[]>`
    select status, count(*)::int as users from margin_watches where watched group by status`
  return Object.fromEntries(rows.map(row => [row.status, row.users]))
}
