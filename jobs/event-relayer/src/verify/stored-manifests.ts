import type { Sql } from '@fusion-prime/postgres'
import type { Range } from '../chain.ts'
import type { Manifest } from '../store/manifests.ts'

/** `age_seconds`: since it was stated, by the database's clock. */
export type StoredManifest = Manifest & { age_seconds: number }

const columns = (sql: Sql) => sql`
  from_block::float8 as from_block, from_hash, to_block::float8 as to_block, to_hash, revision::float8 as revision,
  fact_count::float8 as count, digest, previous_digest, extract(epoch from now() - created_at)::float8 as age_seconds`

/** Manifests whose last block is in a range, oldest first, each in its newest revision. */
export const endingIn = (sql: Sql, { chainId, range }: { chainId: number; range: Range }): Promise<StoredManifest[]> =>
  sql<StoredManifest[]>`
    select * from (
      select distinct on (from_block, to_block) ${columns(sql)} from manifests
      where chain_id = ${chainId} and not superseded and to_block between ${range.from} and ${range.to}
      order by from_block, to_block, revision desc
    ) as newest
    order by to_block, from_block`

/** The manifest before a block: the newest that ends below it. */
export async function endingBelow(
  sql: Sql,
  { chainId, block }: { chainId: number; block: number }
): Promise<StoredManifest | undefined> {
  const [manifest] = await sql<StoredManifest[]>`
    select ${columns(sql)} from manifests
    where chain_id = ${chainId} and not superseded and to_block < ${block}
    order by to_block desc, revision desc limit 1`
  return manifest
}

/** The first manifest that ends above a block. */
export async function endingAbove(
  sql: Sql,
  { chainId, block }: { chainId: number; block: number }
): Promise<StoredManifest | undefined> {
  const [manifest] = await sql<StoredManifest[]>`
    select ${columns(sql)} from manifests
    where chain_id = ${chainId} and not superseded and to_block > ${block}
    order by to_block, revision desc limit 1`
  return manifest
}
