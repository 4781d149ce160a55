import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Pool, Sql } from '@fusion-prime/postgres'
import type { Block, BlockId, Range } from '../chain.ts'
import type { ReadLog } from '../decode/escrow.ts'
import type { World } from '../world.ts'

/** A verified range that waits to be committed: the blocks that are kept, and what was read of watched addresses. */
export type StagedRange = Range & { parent_hash: string; blocks: Block[]; reads: ReadLog[] }

export type Deployment = { escrow: string; factory: string; block_number: number }

/** A backfill of a filter, and the last block whose deployments are known. */
export type Backfill = Range & { filter: string; chunk_blocks: number; scanned: BlockId }

/** Work that many processes share. Nothing here is fenced: what is wrong with it is found when it is committed. */
export type Staging = {
  /** Begins a backfill, or answers how far it is. */
  begin(backfill: Backfill): Promise<Backfill>
  /** Notes deployments up to a block. */
  scanned(backfill: Backfill, found: { to: BlockId; deployments: readonly Deployment[] }): Promise<void>
  /** Escrow to factory, of those deployed below a block: committed ones and those that a backfill of this filter found. */
  escrowsBelow(filter: string, block: number): Promise<Map<string, string>>
  /** Stages a range and what was deployed in it. */
  stage(filter: string, range: StagedRange, deployments: readonly Deployment[]): Promise<void>
  /** The range that begins at a block. */
  at(filter: string, from: number): Promise<StagedRange | undefined>
  /** The last block of the staged ranges that follow each other without a gap from a block on. */
  reachedFrom(filter: string, range: Range): Promise<BlockId | undefined>
  discard(filter: string, from: number): Promise<void>
  /** Forgets what is committed. */
  committed(upTo: number): Promise<void>
  /** Forgets a backfill, and with the last one of a filter what was found for it. */
  end(backfill: Backfill): Promise<void>
}

const [zip, unzip] = [promisify(gzip), promisify(gunzip)]

export function createStaging({
  sql,
  chainId,
  at,
  transaction
}: Pick<World, 'at' | 'transaction'> & { sql: Pool; chainId: number }): Staging {
  return {
    begin: backfill => beginBackfill(sql, { chainId, backfill }),
    scanned: (backfill, { to, deployments }) =>
      transaction(sql, async tx => {
        await insertDeployments(tx, { chainId, filter: backfill.filter, deployments })
        await moveScan(tx, { chainId, backfill, to })
      }),
    escrowsBelow: (filter, block) => loadEscrowsBelow(sql, { chainId, filter, block }),
    async stage(filter, range, deployments) {
      await at('stage_begun')
      const content = await zip(JSON.stringify({ blocks: range.blocks, reads: range.reads }))
      await transaction(sql, async tx => {
        await insertDeployments(tx, { chainId, filter, deployments })
        await insertStaged(tx, { chainId, filter, range, content })
        await at('stage_written')
      })
      await at('stage_done')
    },
    async at(filter, from) {
      const [row] = await sql<(Range & { parent_hash: string; content: Buffer })[]>`
        select from_block::float8 as "from", to_block::float8 as "to", parent_hash, content from staged_ranges
        where chain_id = ${chainId} and filter_key = ${filter} and from_block = ${from}`
      if (!row) return undefined
      const { content, ...range } = row
      // Written by `stage` alone.
      const kept = JSON.parse(String(await unzip(content))) as Pick<StagedRange, 'blocks' | 'reads'>
      return { ...range, ...kept }
    },
    async reachedFrom(filter, { from, to }) {
      const rows = await sql<{ from: number; number: number; hash: string }[]>`
        select from_block::float8 as "from", to_block::float8 as number, last_hash as hash from staged_ranges
        where chain_id = ${chainId} and filter_key = ${filter} and from_block between ${from} and ${to}
        order by from_block`
      let reached: BlockId | undefined
      for (const { from: start, number, hash } of rows)
        if (start === (reached?.number ?? from - 1) + 1) reached = { number, hash }
      return reached
    },
    async discard(filter, from) {
      await sql`delete from staged_ranges where chain_id = ${chainId} and filter_key = ${filter} and from_block = ${from}`
    },
    async committed(upTo) {
      await sql`delete from staged_ranges where chain_id = ${chainId} and to_block <= ${upTo}`
    },
    end: backfill => transaction(sql, tx => endBackfill(tx, { chainId, backfill }))
  }
}

async function beginBackfill(
  sql: Sql,
  { chainId, backfill }: { chainId: number; backfill: Backfill }
): Promise<Backfill> {
  const { filter, from, to, chunk_blocks, scanned } = backfill
  const [row] = await sql<{ chunk_blocks: number; number: number; hash: string }[]>`
    insert into backfills as begun (chain_id, filter_key, from_block, to_block, chunk_blocks, scanned_number, scanned_hash)
    values (${chainId}, ${filter}, ${from}, ${to}, ${chunk_blocks}, ${scanned.number}, ${scanned.hash})
    on conflict (chain_id, filter_key, from_block, to_block) do update set chunk_blocks = begun.chunk_blocks
    returning chunk_blocks::float8 as chunk_blocks, scanned_number::float8 as number, scanned_hash as hash`
  if (!row) throw new Error(`the backfill of blocks ${from} to ${to} could not be begun`)
  const { number, hash } = row
  return { ...backfill, chunk_blocks: row.chunk_blocks, scanned: { number, hash } }
}

async function moveScan(
  tx: Sql,
  { chainId, backfill: { filter, from, to: end }, to }: { chainId: number; backfill: Backfill; to: BlockId }
): Promise<void> {
  await tx`
    update backfills set scanned_number = ${to.number}, scanned_hash = ${to.hash}
    where chain_id = ${chainId} and filter_key = ${filter} and from_block = ${from} and to_block = ${end}
      and scanned_number < ${to.number}`
}

/** An escrow's first deployment counts. */
async function insertDeployments(
  tx: Sql,
  { chainId, filter, deployments }: { chainId: number; filter: string; deployments: readonly Deployment[] }
): Promise<void> {
  if (deployments.length === 0) return
  await tx`
    insert into backfill_deployments as known (chain_id, filter_key, escrow_address, factory_address, block_number)
    select ${chainId}, ${filter}, * from unnest(
      ${deployments.map(({ escrow }) => escrow)}::text[],
      ${deployments.map(({ factory }) => factory)}::text[],
      ${deployments.map(({ block_number }) => block_number)}::bigint[]
    )
    on conflict (chain_id, filter_key, escrow_address) do update
    set factory_address = excluded.factory_address, block_number = excluded.block_number
    where excluded.block_number < known.block_number`
}

async function loadEscrowsBelow(
  sql: Sql,
  { chainId, filter, block }: { chainId: number; filter: string; block: number }
): Promise<Map<string, string>> {
  const rows = await sql<{ escrow: string; factory: string }[]>`
    select escrow_address as escrow, factory_address as factory from backfill_deployments
    where chain_id = ${chainId} and filter_key = ${filter} and block_number < ${block}
    union all
    select escrow_address, factory_address from escrows join raw_logs using (chain_id, fact_id)
    where chain_id = ${chainId} and not gone and lane_key is null and block_number < ${block}`
  return new Map(rows.map(row => [row.escrow, row.factory]))
}

/** A wider range takes the place of one that begins at the same block. */
async function insertStaged(
  tx: Sql,
  { chainId, filter, range, content }: { chainId: number; filter: string; range: StagedRange; content: Buffer }
): Promise<void> {
  const last = range.blocks.at(-1)
  if (!last) throw new Error(`blocks ${range.from} to ${range.to} can't be staged without their last block`)
  await tx`
    insert into staged_ranges as staged (chain_id, filter_key, from_block, to_block, parent_hash, last_hash, content)
    values (${chainId}, ${filter}, ${range.from}, ${range.to}, ${range.parent_hash}, ${last.hash}, ${content})
    on conflict (chain_id, filter_key, from_block) do update
    set to_block = excluded.to_block, last_hash = excluded.last_hash, parent_hash = excluded.parent_hash, content = excluded.content
    where excluded.to_block > staged.to_block`
}

/** An operator's resume: what was read above a block is read anew. */
export async function rewindStaging(tx: Sql, { chainId, to }: { chainId: number; to: BlockId }): Promise<void> {
  await tx`delete from staged_ranges where chain_id = ${chainId} and to_block > ${to.number}`
  await tx`delete from backfill_deployments where chain_id = ${chainId} and block_number > ${to.number}`
  await tx`
    update backfills set scanned_number = ${to.number}, scanned_hash = ${to.hash}
    where chain_id = ${chainId} and scanned_number > ${to.number}`
}

async function endBackfill(
  tx: Sql,
  { chainId, backfill: { filter, from, to } }: { chainId: number; backfill: Backfill }
): Promise<void> {
  await tx`
    delete from backfills
    where chain_id = ${chainId} and filter_key = ${filter} and from_block = ${from} and to_block = ${to}`
  await tx`
    delete from backfill_deployments
    where chain_id = ${chainId} and filter_key = ${filter} and not exists (
      select from backfills where backfills.chain_id = ${chainId} and backfills.filter_key = ${filter}
    )`
}
