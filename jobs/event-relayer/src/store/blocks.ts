import type { Sql } from '@fusion-prime/postgres'
import type { Block, BlockId, Range } from '../chain.ts'

/**
 * Stores blocks as canonical. One that had left the chain comes back with the next incarnation; one that is canonical stays.
 * Answers how many were never stored before.
 */
export async function upsertBlocks(
  tx: Sql,
  { chainId, blocks }: { chainId: number; blocks: readonly Block[] }
): Promise<number> {
  const [row] = await tx<{ fresh: number }[]>`
    with written as (
      insert into blocks (chain_id, block_hash, block_number, parent_hash, block_timestamp)
      select ${chainId}, * from unnest(
        ${blocks.map(block => block.hash)}::text[],
        ${blocks.map(block => block.number)}::bigint[],
        ${blocks.map(block => block.parent_hash)}::text[],
        ${blocks.map(block => block.timestamp)}::bigint[]
      )
      on conflict (chain_id, block_hash) do update set canonical = true, incarnation = blocks.incarnation + 1
      where not blocks.canonical
      returning incarnation
    )
    select count(*) filter (where incarnation = 1)::int as fresh from written`
  return row?.fresh ?? 0
}

/** The stored canonical blocks from `from` down, highest first, at most `limit`. */
export async function loadBlocks(
  sql: Sql,
  { chainId, from, limit }: { chainId: number; from: number; limit: number }
): Promise<BlockId[]> {
  return sql<BlockId[]>`
    select block_number::float8 as number, block_hash as hash from blocks
    where chain_id = ${chainId} and canonical and block_number <= ${from}
    order by block_number desc limit ${limit}`
}

export async function loadBlock(
  sql: Sql,
  { chainId, number }: { chainId: number; number: number }
): Promise<BlockId | undefined> {
  const [block] = await loadBlocks(sql, { chainId, from: number, limit: 1 })
  return block?.number === number ? block : undefined
}

/** Takes blocks off the canonical chain; they and their logs stay. */
export async function orphanBlocks(
  tx: Sql,
  { chainId, hashes }: { chainId: number; hashes: readonly string[] }
): Promise<void> {
  await tx`
    update blocks set canonical = false
    where chain_id = ${chainId} and canonical and block_hash = any (${hashes}::text[])`
}

/** Hashes of the canonical blocks above a number. */
export async function hashesAbove(
  tx: Sql,
  { chainId, number }: { chainId: number; number: number }
): Promise<string[]> {
  const rows = await tx<{ block_hash: string }[]>`
    select block_hash from blocks where chain_id = ${chainId} and canonical and block_number > ${number}`
  return rows.map(row => row.block_hash)
}

/** A stored block above the checkpoint; `final`: one of its facts was said to be final. */
export type KeptBlock = BlockId & { final: boolean }

/** The canonical blocks above a number and up to another, highest first. */
export async function loadKept(
  sql: Sql,
  { chainId, above, upTo }: { chainId: number; above: number; upTo: number }
): Promise<KeptBlock[]> {
  return sql<KeptBlock[]>`
    select block_number::float8 as number, block_hash as hash, exists (
      select from facts
      where facts.chain_id = blocks.chain_id and facts.block_number = blocks.block_number
        and facts.block_hash = blocks.block_hash and finality = 'finalized'
    ) as final
    from blocks
    where chain_id = ${chainId} and canonical and block_number > ${above} and block_number <= ${upTo}
    order by block_number desc`
}

/** Forgets blocks of a range that carry no log. */
export async function pruneBlocks(sql: Sql, { chainId, range }: { chainId: number; range: Range }): Promise<number> {
  let pruned = 0
  for (const part of [sql`canonical`, sql`not canonical`]) {
    // Each of the two has an index by number.
    const { count } = await sql`
      delete from blocks
      where chain_id = ${chainId} and ${part} and block_number between ${range.from} and ${range.to} and not exists (
        select from raw_logs
        where raw_logs.chain_id = blocks.chain_id and raw_logs.block_number = blocks.block_number and raw_logs.block_hash = blocks.block_hash
      )`
    pruned += count
  }
  return pruned
}
