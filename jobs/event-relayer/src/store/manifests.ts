import type { RangeManifest } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'

export type Manifest = Pick<
  RangeManifest,
  'from_block' | 'from_hash' | 'to_block' | 'to_hash' | 'count' | 'digest' | 'previous_digest'
> & { revision: number }

/** The newest manifest that wasn't superseded. */
export async function lastManifest(sql: Sql, chainId: number): Promise<Manifest | undefined> {
  const [row] = await sql<Manifest[]>`
    select ${columns(sql)} from manifests
    where chain_id = ${chainId} and not superseded
    order by to_block desc, revision desc limit 1`
  return row
}

/** Manifests that touch a range, oldest first, each in its newest revision. */
export async function manifestsOf(
  sql: Sql,
  { chainId, from, to }: { chainId: number; from: number; to: number }
): Promise<Manifest[]> {
  return sql<Manifest[]>`
    select distinct on (from_block) ${columns(sql)} from manifests
    where chain_id = ${chainId} and not superseded and to_block >= ${from} and from_block <= ${to}
    order by from_block, revision desc`
}

const columns = (sql: Sql) => sql`
  from_block::float8 as from_block, from_hash, to_block::float8 as to_block, to_hash, revision::float8 as revision,
  fact_count::float8 as count, digest, previous_digest`

/** Count and digest of the final facts of a range. */
export async function digestOf(
  sql: Sql,
  { chainId, from, to }: { chainId: number; from: number; to: number }
): Promise<{ count: number; digest: string }> {
  const [row] = await sql<{ count: number; digest: string }[]>`
    select count(*)::float8 as count,
      encode(sha256(convert_to(coalesce(string_agg(fact_id::text, E'\n' order by fact_id), ''), 'UTF8')), 'hex') as digest
    from facts
    where chain_id = ${chainId} and block_number between ${from} and ${to} and finality = 'finalized'`
  if (!row) throw new Error(`no digest of blocks ${from} to ${to}`)
  return row
}

export async function insertManifest(
  tx: Sql,
  { chainId, manifest }: { chainId: number; manifest: Manifest }
): Promise<void> {
  const { from_block, from_hash, to_block, to_hash, revision, count, digest, previous_digest } = manifest
  await tx`
    insert into manifests (
      chain_id, from_block, from_hash, to_block, to_hash, revision, fact_count, digest, previous_digest
    ) values (
      ${chainId}, ${from_block}, ${from_hash}, ${to_block}, ${to_hash}, ${revision}, ${count}, ${digest}, ${previous_digest}
    )
    on conflict (chain_id, from_block, to_hash, revision) do update set superseded = false`
}

/** An operator's resume: manifests that reach a block or go beyond it are made anew, from the first of them on. */
export async function supersedeManifests(tx: Sql, { chainId, from }: { chainId: number; from: number }): Promise<void> {
  await tx`update manifests set superseded = true where chain_id = ${chainId} and to_block >= ${from} and not superseded`
}

/** Hash of the block with which an earlier manifest began: its row may be forgotten by the time that manifest is made anew. */
export async function startHash(
  sql: Sql,
  { chainId, from_block }: { chainId: number; from_block: number }
): Promise<string> {
  const [row] = await sql<{ from_hash: string }[]>`
    select from_hash from manifests where chain_id = ${chainId} and from_block = ${from_block} order by created_at desc limit 1`
  if (!row) throw new Error(`block ${from_block} of chain ${chainId}, where a manifest begins, is not stored`)
  return row.from_hash
}
