import type { Sql } from '@fusion-prime/postgres'
import type { Screening } from './screening.ts'

export async function findScreenings(sql: Sql, addresses: readonly string[]): Promise<Screening[]> {
  return sql<Screening[]>`
    select address, result, list, list_version, list_as_of, list_sha256, screened_at from screenings
    where address = any (${addresses}::text[])`
}

/**
 * Saves screenings, of distinct addresses. What another transaction saved meanwhile stays if it says more: a verdict of a newer
 * list, or a match where there is no list now.
 */
export async function saveScreenings(sql: Sql, screenings: readonly Screening[]): Promise<void> {
  await sql`
    insert into screenings as saved (address, result, list, list_version, list_as_of, list_sha256, screened_at)
    select address, result, list, list_version, list_as_of, list_sha256, screened_at
    from jsonb_to_recordset(${JSON.stringify(screenings)}::text::jsonb) as given (
      address text, result text, list text, list_version text, list_as_of timestamptz, list_sha256 text, screened_at timestamptz
    )
    order by address -- so that two transactions never wait for each other
    on conflict (address) do update set
      result = excluded.result, list = excluded.list, list_version = excluded.list_version, list_as_of = excluded.list_as_of,
      list_sha256 = excluded.list_sha256, screened_at = excluded.screened_at
    where saved.result = 'unknown' or saved.list_as_of <= excluded.list_as_of
      or (saved.result = 'clear' and excluded.result = 'unknown')`
}

/**
 * Addresses that this list must screen, by what `isDue` says of stored ones; they stay locked, and others that screen at the same time get
 * other ones.
 */
export async function takeDue(
  sql: Sql,
  { sha256, asOf, limit }: { sha256: string; asOf: Date; limit: number }
): Promise<string[]> {
  const rows = await sql<{ address: string }[]>`
    select address from screenings
    where (list_sha256 is null or list_sha256 < ${sha256} or list_sha256 > ${sha256})
      and (result = 'unknown' or list_as_of <= ${asOf})
    order by address
    limit ${limit}
    for update skip locked`
  return rows.map(row => row.address)
}
