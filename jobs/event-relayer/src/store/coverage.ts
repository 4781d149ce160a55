import { hash } from 'node:crypto'
import type { Sql } from '@fusion-prime/postgres'
import type { BlockId } from '../chain.ts'

/** One signature of one factory's contracts, and the blocks in which its logs were relayed. `until_block` undefined: it goes on. */
export type Coverage = Pair & { from_block: number; until_block: number | undefined }
export type Pair = { factory: string; topic0: string }

export const coverageKey = ({ factory, topic0 }: Pair): string => hash('sha256', `${factory} ${topic0}`, 'hex')

export async function loadCoverage(sql: Sql, chainId: number): Promise<Coverage[]> {
  const rows = await sql<(Pair & { from_block: number; until_block: number | null })[]>`
    select factory_address as factory, topic0, from_block::float8 as from_block, until_block::float8 as until_block
    from coverage where chain_id = ${chainId}`
  return rows.map(row => ({ ...row, until_block: row.until_block ?? undefined }))
}

/** Notes that pairs are covered from a block on; what was covered from an earlier one stays so. */
export async function cover(
  tx: Sql,
  { chainId, pairs, from }: { chainId: number; pairs: readonly Pair[]; from: number }
): Promise<void> {
  await tx`
    insert into coverage (chain_id, coverage_key, factory_address, topic0, from_block)
    select ${chainId}, coverage_key, factory_address, topic0, ${from}
    from unnest(
      ${pairs.map(coverageKey)}::text[],
      ${pairs.map(({ factory }) => factory)}::text[],
      ${pairs.map(({ topic0 }) => topic0)}::text[]
    ) as given (coverage_key, factory_address, topic0)
    on conflict (chain_id, coverage_key) do update
    set from_block = least(coverage.from_block, excluded.from_block), until_block = null`
}

/** What is watched no longer is covered up to a block. */
export async function uncover(
  tx: Sql,
  { chainId, pairs, until }: { chainId: number; pairs: readonly Pair[]; until: number }
): Promise<void> {
  await tx`
    update coverage set until_block = ${until}
    where chain_id = ${chainId} and until_block is null and coverage_key = any (${pairs.map(coverageKey)}::text[])`
}

/** Blocks above a number are read anew, without what isn't watched any more. */
export async function rewindCoverage(tx: Sql, { chainId, to }: { chainId: number; to: BlockId }): Promise<void> {
  await tx`update coverage set until_block = ${to.number} where chain_id = ${chainId} and until_block > ${to.number}`
}

/** Nothing was relayed yet: what an earlier try meant to watch doesn't count. */
export async function forgetCoverage(tx: Sql, chainId: number): Promise<void> {
  await tx`delete from coverage where chain_id = ${chainId}`
}
