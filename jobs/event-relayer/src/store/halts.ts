import type { Sql } from '@fusion-prime/postgres'

/** Why relaying stopped until an operator resumes it: the highest stored block that the chain has no longer, and what it has instead. */
export type Halt = {
  reason: 'deep_reorg' | 'finalized_changed'
  block_number: number
  stored_hash: string
  chain_hash: string
  /** First block that `--mode=resume --from-block` should read anew. */
  resume_from: number
}

export async function loadHalt(sql: Sql, chainId: number): Promise<Halt | undefined> {
  const [row] = await sql<Halt[]>`
    select reason, block_number::float8 as block_number, stored_hash, chain_hash, resume_from::float8 as resume_from
    from halts where chain_id = ${chainId}`
  return row
}

/** The first reason stays until it is resumed. */
export async function insertHalt(tx: Sql, { chainId, halt }: { chainId: number; halt: Halt }): Promise<void> {
  await tx`
    insert into halts (chain_id, reason, block_number, stored_hash, chain_hash, resume_from)
    values (${chainId}, ${halt.reason}, ${halt.block_number}, ${halt.stored_hash}, ${halt.chain_hash}, ${halt.resume_from})
    on conflict (chain_id) do nothing`
}

export async function deleteHalt(tx: Sql, chainId: number): Promise<void> {
  await tx`delete from halts where chain_id = ${chainId}`
}
