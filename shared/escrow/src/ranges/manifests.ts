import type { RangeManifest, Received } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'

/** Inclusive blocks of one chain. */
export type ChainRange = { chain_id: number; from: number; to: number }

export type StoredManifest = Omit<RangeManifest, 'event_type' | 'schema_version' | 'revision'> & { revision: number }

export async function appendManifests(sql: Sql, manifests: readonly Received<RangeManifest>[]): Promise<void> {
  await sql`
    insert into range_manifests
      (event_id, chain_id, from_block, from_hash, to_block, to_hash, fact_count, digest, previous_digest, revision)
    select event_id, chain_id, from_block, from_hash, to_block, to_hash, count, digest, previous_digest, coalesce(revision, 1)
    from jsonb_to_recordset(${JSON.stringify(manifests.map(({ body }) => body))}::text::jsonb) as given (
      event_id uuid, chain_id bigint, from_block bigint, from_hash text, to_block bigint, to_hash text, count bigint, digest text,
      previous_digest text, revision bigint
    )
    on conflict do nothing`
}

/** The newest revisions that touch a range, by first and last block, from the one after `after` on. */
export async function listManifests(
  sql: Sql,
  {
    range,
    after,
    limit
  }: { range: ChainRange; after: { from_block: number; to_hash: string } | undefined; limit: number }
): Promise<StoredManifest[]> {
  return sql<StoredManifest[]>`
    select event_id, chain_id::float8 as chain_id, from_block::float8 as from_block, from_hash, to_block::float8 as to_block, to_hash,
      fact_count::float8 as count, digest, previous_digest, revision::float8 as revision
    from (
      select distinct on (from_block, to_hash) * from range_manifests
      where ${touching(sql, range)} ${after ? sql`and (from_block, to_hash) > (${after.from_block}, ${after.to_hash})` : sql``}
      order by from_block, to_hash, revision desc
    ) as newest
    order by from_block, to_hash
    limit ${limit}`
}

/** How much of a range manifests state. */
export async function coverageOf(
  sql: Sql,
  range: ChainRange
): Promise<{ count: number; contiguous: boolean; first_gap: number | null }> {
  const [row] = await sql<{ count: number; gap: number | null; upTo: number | null }[]>`
    select count(*)::float8 as count, (min(due) filter (where from_block > due))::float8 as gap, max(to_block)::float8 as "upTo"
    from (
      select from_block, to_block, greatest(${range.from}::bigint, 1 + max(to_block) over (
        order by from_block, to_block rows between unbounded preceding and 1 preceding
      )) as due
      from (select distinct from_block, to_block from range_manifests where ${touching(sql, range)}) as stated
    ) as walked`
  const { count = 0, gap = null, upTo = null } = row ?? {}
  const next = Math.max(range.from, (upTo ?? -1) + 1)
  const first_gap = gap ?? (next <= range.to ? next : null)
  return { count, contiguous: first_gap === null, first_gap }
}

const touching = (sql: Sql, { chain_id, from, to }: ChainRange) =>
  sql`chain_id = ${chain_id} and to_block >= ${from} and from_block <= ${to}`

/** The chains of which facts or manifests are held, two at most. */
export async function chainsOf(sql: Sql, { from, to }: { from: number; to: number }): Promise<number[]> {
  const rows = await sql<{ chain_id: number }[]>`
    select chain_id::float8 as chain_id from (
      select chain_id from facts where block_number between ${from} and ${to}
      union select chain_id from range_manifests where to_block >= ${from} and from_block <= ${to}
    ) as held
    order by chain_id limit 2`
  return rows.map(({ chain_id }) => chain_id)
}
