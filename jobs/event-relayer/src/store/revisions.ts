import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import { newTraceparent } from '@fusion-prime/runtime'
import { manifestMessage } from '../message.ts'
import { insertManifest, type Manifest, manifestsOf } from './manifests.ts'

/** The newest manifest that ends at a block. */
export async function manifestEndingAt(
  sql: Sql,
  { chainId, block }: { chainId: number; block: number }
): Promise<Manifest | undefined> {
  const [manifest] = await manifestsOf(sql, { chainId, from: block, to: block })
  return manifest?.to_block === block ? manifest : undefined
}

/** The same statement keeps its revision, another one of the same range gets the next. */
export async function revise(
  tx: Sql,
  { chainId, manifest }: { chainId: number; manifest: Omit<Manifest, 'revision'> }
): Promise<Manifest> {
  const { from_block, to_hash, digest, previous_digest } = manifest
  const [row] = await tx<{ revision: number; same: boolean }[]>`
    select revision::float8 as revision, digest = ${digest} and previous_digest is not distinct from ${previous_digest} as same
    from manifests where chain_id = ${chainId} and from_block = ${from_block} and to_hash = ${to_hash}
    order by revision desc limit 1`
  return { ...manifest, revision: row ? row.revision + (row.same ? 0 : 1) : 1 }
}

/**
 * Makes a new revision of each manifest from a block on whose facts aren't those that it stated, and of all after the first of these,
 * because each names the digest before it.
 */
export async function restateManifests(
  tx: Sql,
  { chainId, from }: { chainId: number; from: number }
): Promise<OutboxMessage[]> {
  let previous = await manifestEndingAt(tx, { chainId, block: from - 1 })
  const stated = await manifestsOf(tx, { chainId, from, to: Number.MAX_SAFE_INTEGER })
  const actual = await digestsOf(tx, { chainId, manifests: stated })
  const messages: OutboxMessage[] = []
  for (const [index, manifest] of stated.entries()) {
    const { count, digest } = actual[index] ?? manifest
    const previous_digest = previous?.digest ?? manifest.previous_digest
    previous = { ...manifest, count, digest, previous_digest }
    if (digest === manifest.digest && previous_digest === manifest.previous_digest) continue
    previous.revision += 1
    await insertManifest(tx, { chainId, manifest: previous })
    messages.push(manifestMessage({ chainId, manifest: previous, traceparent: newTraceparent() }))
  }
  return messages
}

/** Count and digest of the final facts of each range, in the order given. */
async function digestsOf(
  tx: Sql,
  { chainId, manifests }: { chainId: number; manifests: readonly Manifest[] }
): Promise<{ count: number; digest: string }[]> {
  return tx<{ count: number; digest: string }[]>`
    select count(facts.fact_id)::float8 as count,
      encode(sha256(convert_to(coalesce(string_agg(facts.fact_id::text, E'\n' order by facts.fact_id), ''), 'UTF8')), 'hex') as digest
    from unnest(
      ${manifests.map(({ from_block }) => from_block)}::bigint[], ${manifests.map(({ to_block }) => to_block)}::bigint[]
    ) with ordinality as range (from_block, to_block, position)
    left join facts on facts.chain_id = ${chainId} and facts.finality = 'finalized'
      and facts.block_number between range.from_block and range.to_block
    group by position
    order by position`
}
