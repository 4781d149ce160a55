import type { Pool, Sql } from '@fusion-prime/postgres'
import { transaction } from '@fusion-prime/postgres'
import type { Block, Level, Range, RawLog } from '../chain.ts'
import type { FactBody, ReadLog } from '../decode/escrow.ts'
import { type Checkpoint, loadCheckpoint } from '../store/checkpoint.ts'
import { endingIn, type StoredManifest } from './stored-manifests.ts'

export type StoredLog = RawLog & { fact_id: string; reading: ReadLog['reading'] }

/** A fact that isn't reverted, with the address and the signature of its log. */
export type StoredFact = {
  fact_id: string
  block_number: number
  block_hash: string
  log_index: number
  finality: Level
  incarnation: number
  forced: boolean
  body: FactBody
  traceparent: string
  address: string
  topic0: string
}

export type StoredEscrow = {
  escrow_address: string
  factory_address: string
  fact_id: string
  block_number: number
}

/** What the database says of a range, all of one moment. Logs are those of canonical blocks. */
export type Stored = {
  checkpoint: Checkpoint | undefined
  blocks: Block[]
  logs: StoredLog[]
  facts: StoredFact[]
  escrows: StoredEscrow[]
  /** Those that end in the range, oldest first. */
  manifests: StoredManifest[]
}

/** Reads, and can do nothing else: Postgres refuses a write in this transaction. */
export const snapshot = <Result>(sql: Pool, read: (tx: Sql) => Promise<Result>): Promise<Result> =>
  transaction(sql, async tx => {
    await tx`set transaction isolation level repeatable read, read only`
    return read(tx)
  })

export async function loadStored(tx: Sql, { chainId, range }: { chainId: number; range: Range }): Promise<Stored> {
  const { from, to } = range
  const within = (table: string) =>
    tx`${tx(table)}.chain_id = ${chainId} and ${tx(table)}.block_number between ${from} and ${to}`
  const blocks = await tx<Block[]>`
    select block_number::float8 as number, block_hash as hash, parent_hash, block_timestamp::float8 as timestamp
    from blocks where ${within('blocks')} and canonical order by block_number`
  const logs = await tx<StoredLog[]>`
    select fact_id, raw_logs.block_number::float8 as block_number, block_hash, transaction_hash, log_index::float8 as log_index,
      address, topics, data, reading
    from raw_logs join blocks using (chain_id, block_hash)
    where ${within('raw_logs')} and canonical order by raw_logs.block_number, log_index`
  const facts = await tx<StoredFact[]>`
    select fact_id, facts.block_number::float8 as block_number, facts.block_hash, facts.log_index::float8 as log_index, finality,
      incarnation::float8 as incarnation, forced, body, traceparent, address, coalesce(topics[1], '') as topic0
    from facts join raw_logs using (fact_id)
    where ${within('facts')} and finality <> 'reverted' order by facts.block_number, facts.log_index`
  const escrows = await tx<StoredEscrow[]>`
    select escrow_address, factory_address, fact_id, block_number::float8 as block_number
    from escrows join raw_logs using (chain_id, fact_id)
    where ${within('raw_logs')} and not gone`
  const checkpoint = await loadCheckpoint(tx, chainId)
  return { checkpoint, blocks, logs, facts, escrows, manifests: await endingIn(tx, { chainId, range }) }
}

/** Escrows that were deployed before a block, to their factories: by the escrows that are watched and, should one be lacking there, by the facts. */
export async function escrowsBelow(
  sql: Sql,
  { chainId, block }: { chainId: number; block: number }
): Promise<Map<string, string>> {
  const rows = await sql<{ escrow: string; factory: string }[]>`
    select body ->> 'escrow_address' as escrow, body ->> 'factory_address' as factory from facts
    where chain_id = ${chainId} and block_number < ${block} and finality <> 'reverted' and body ->> 'event_type' = 'EscrowDeployed'
    union all
    select escrow_address, factory_address from escrows join raw_logs using (chain_id, fact_id)
    where chain_id = ${chainId} and not gone and block_number < ${block}`
  return new Map(rows.map(({ escrow, factory }) => [escrow, factory]))
}
