import type { Sql } from '@fusion-prime/postgres'
import type { BlockId } from '../chain.ts'

/** The last block whose logs are durable, and how far facts were raised; block numbers. */
export type Checkpoint = BlockId & {
  first_block: number
  safe_number: number | undefined
  finalized_number: number | undefined
}

export async function loadCheckpoint(sql: Sql, chainId: number): Promise<Checkpoint | undefined> {
  const [row] = await sql<
    {
      block_number: string
      block_hash: string
      first_block: string
      safe_number: string | null
      finalized_number: string | null
    }[]
  >`
    select block_number, block_hash, coalesce(first_block, block_number + 1) as first_block, safe_number, finalized_number
    from checkpoints where chain_id = ${chainId}`
  return (
    row && {
      number: Number(row.block_number),
      hash: row.block_hash,
      first_block: Number(row.first_block),
      safe_number: row.safe_number === null ? undefined : Number(row.safe_number),
      finalized_number: row.finalized_number === null ? undefined : Number(row.finalized_number)
    }
  )
}

/** Compare and set: when another relayer has moved it meanwhile, this one's work is thrown away. */
export async function moveCheckpoint(
  tx: Sql,
  {
    chainId,
    from,
    to,
    epoch,
    fenced = true
  }: { chainId: number; from: BlockId; to: BlockId; epoch: string; fenced?: boolean }
): Promise<void> {
  const moved = await tx`
    insert into checkpoints as stored (chain_id, block_number, block_hash, epoch, first_block)
    values (${chainId}, ${to.number}, ${to.hash}, ${epoch}, ${from.number + 1})
    on conflict (chain_id) do update
    set block_number = excluded.block_number, block_hash = excluded.block_hash, epoch = excluded.epoch, updated_at = now()
    where not ${fenced} or (
      stored.block_number = ${from.number} and stored.block_hash = ${from.hash} and stored.epoch <= excluded.epoch
    )`
  if (moved.count === 0) {
    throw new Error(`another relayer has moved the checkpoint of chain ${chainId} from block ${from.number}`)
  }
}

/** Notes up to which block facts were raised to a level. It never goes back. */
export async function noteLevel(
  tx: Sql,
  { chainId, level, upTo }: { chainId: number; level: 'safe' | 'finalized'; upTo: number }
): Promise<void> {
  const finalized = level === 'finalized' ? upTo : null
  await tx`
    update checkpoints set
      safe_number = greatest(safe_number, ${upTo}::bigint),
      finalized_number = greatest(finalized_number, ${finalized}::bigint)
    where chain_id = ${chainId}`
}

/** The first block that wasn't looked at yet for pruning. */
export async function loadPruned(sql: Sql, chainId: number): Promise<number> {
  const [row] = await sql<{ pruned_to: number }[]>`
    select coalesce(pruned_to, first_block, 0)::float8 as pruned_to from checkpoints where chain_id = ${chainId}`
  return row?.pruned_to ?? 0
}

export async function notePruned(sql: Sql, { chainId, to }: { chainId: number; to: number }): Promise<void> {
  await sql`update checkpoints set pruned_to = ${to} where chain_id = ${chainId}`
}

/** An operator's resume: what is at or above the first block that is read anew counts as not yet raised. */
export async function lowerLevels(tx: Sql, { chainId, below }: { chainId: number; below: number }): Promise<void> {
  await tx`
    update checkpoints set
      safe_number = case when safe_number is not null then least(safe_number, ${below - 1}::bigint) end,
      finalized_number = case when finalized_number is not null then least(finalized_number, ${below - 1}::bigint) end,
      pruned_to = case when pruned_to is not null then least(pruned_to, ${below}::bigint) end
    where chain_id = ${chainId}`
}
