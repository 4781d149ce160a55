import { appendOutbox, type Pool, type Sql, transaction } from '@fusion-prime/postgres'
import { newTraceparent, reach } from '@fusion-prime/runtime'
import { type Block, type BlockId, type Heads, type Level, levelOf } from './chain.ts'
import type { FactBody, ReadLog } from './decode/escrow.ts'
import { factMessage } from './message.ts'

/** Facts that one transaction raises at most. */
const RAISE_LIMIT = 1_000

export type ReadRange = { blocks: Block[]; logs: ReadLog[] }

export type Store = {
  /** The last block whose logs are durable. */
  checkpoint(): Promise<BlockId | undefined>
  /** Escrow to factory, for every escrow that is watched. */
  escrows(): Promise<Map<string, string>>
  /** Blocks, logs, escrows, facts, checkpoint and outbox rows: one transaction. Answers how many facts it published. */
  commit(range: ReadRange, position: { after: BlockId; heads: Heads }): Promise<number>
  /** Raises facts that these heads have made safe or final. Answers how many. */
  raiseLevels(heads: Heads): Promise<number>
}

export function createStore({ sql, chainId }: { sql: Pool; chainId: number }): Store {
  return {
    checkpoint: () => loadCheckpoint(sql, chainId),
    escrows: () => loadEscrows(sql, chainId),
    commit: (range, { after, heads }) =>
      transaction(sql, async tx => {
        const last = range.blocks.at(-1)
        if (!last) return 0
        await moveCheckpoint(tx, { chainId, from: after, to: last })
        await insertBlocks(tx, { chainId, blocks: range.blocks })
        if (range.logs.length > 0) reach('relayer_writing')
        await insertLogs(tx, { chainId, logs: range.logs })
        const published = range.logs.filter(log => log.reading === 'published')
        await insertEscrows(tx, { chainId, bodies: published.map(log => log.body) })
        const facts = published.map(({ body }) => ({
          body,
          finality: levelOf(body.block_number, heads),
          traceparent: newTraceparent()
        }))
        await insertFacts(tx, { chainId, facts })
        await appendOutbox(
          tx,
          facts.map(fact => factMessage({ ...fact, incarnation: 1, first: true }))
        )
        return facts.length
      }),
    raiseLevels: async heads => {
      let raised = 0
      for (const [level, tag] of [['finalized', heads.finalized] as const, ['safe', heads.safe] as const]) {
        if (!tag || !(await isStored(sql, { chainId, block: tag }))) continue
        for (let count = RAISE_LIMIT; count === RAISE_LIMIT; raised += count) {
          count = await transaction(sql, tx => raise(tx, { chainId, level, upTo: tag.number }))
        }
      }
      return raised
    }
  }
}

async function raise(
  tx: Sql,
  { chainId, level, upTo }: { chainId: number; level: Exclude<Level, 'seen'>; upTo: number }
): Promise<number> {
  const facts = await raiseFacts(tx, { chainId, level, upTo })
  await appendOutbox(
    tx,
    facts.map(({ incarnation, ...fact }) =>
      factMessage({ ...fact, finality: level, incarnation: Number(incarnation), first: false })
    )
  )
  return facts.length
}

async function loadCheckpoint(sql: Sql, chainId: number): Promise<BlockId | undefined> {
  const [row] = await sql<{ block_number: string; block_hash: string }[]>`
    select block_number, block_hash from checkpoints where chain_id = ${chainId}`
  return row && { number: Number(row.block_number), hash: row.block_hash }
}

async function loadEscrows(sql: Sql, chainId: number): Promise<Map<string, string>> {
  const rows = await sql<{ escrow_address: string; factory_address: string }[]>`
    select escrow_address, factory_address from escrows where chain_id = ${chainId} and not gone`
  return new Map(rows.map(row => [row.escrow_address, row.factory_address]))
}

/** Compare and set: when another relayer has moved it meanwhile, this one's work is thrown away. */
async function moveCheckpoint(
  tx: Sql,
  { chainId, from, to }: { chainId: number; from: BlockId; to: BlockId }
): Promise<void> {
  const moved = await tx`
    insert into checkpoints as stored (chain_id, block_number, block_hash) values (${chainId}, ${to.number}, ${to.hash})
    on conflict (chain_id) do update set block_number = excluded.block_number, block_hash = excluded.block_hash, updated_at = now()
    where stored.block_number = ${from.number} and stored.block_hash = ${from.hash}`
  if (moved.count === 0)
    throw new Error(`another relayer has moved the checkpoint of chain ${chainId} from block ${from.number}`)
}

async function insertBlocks(
  tx: Sql,
  { chainId, blocks }: { chainId: number; blocks: readonly Block[] }
): Promise<void> {
  await tx`
    insert into blocks (chain_id, block_hash, block_number, parent_hash, block_timestamp)
    select ${chainId}, * from unnest(
      ${blocks.map(block => block.hash)}::text[],
      ${blocks.map(block => block.number)}::bigint[],
      ${blocks.map(block => block.parent_hash)}::text[],
      ${blocks.map(block => block.timestamp)}::bigint[]
    )`
}

async function insertLogs(tx: Sql, { chainId, logs }: { chainId: number; logs: readonly ReadLog[] }): Promise<void> {
  if (logs.length === 0) return
  const rows = logs.map(({ log, fact_id, ...read }) => ({
    fact_id,
    ...log,
    reading: read.reading,
    detail: 'detail' in read ? read.detail.replaceAll('\0', '') : null
  }))
  await tx`
    insert into raw_logs (fact_id, chain_id, block_hash, block_number, transaction_hash, log_index, address, topics, data, reading, detail)
    select fact_id, ${chainId}, block_hash, block_number, transaction_hash, log_index, address,
      array(select jsonb_array_elements_text(topics)), data, reading, detail
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as given (
      fact_id uuid, block_hash text, block_number bigint, transaction_hash text, log_index bigint, address text, topics jsonb, data text,
      reading text, detail text
    )`
}

async function insertEscrows(
  tx: Sql,
  { chainId, bodies }: { chainId: number; bodies: readonly FactBody[] }
): Promise<void> {
  const deployed = bodies.filter(body => body.event_type === 'EscrowDeployed')
  if (deployed.length === 0) return
  await tx`
    insert into escrows (chain_id, escrow_address, factory_address, fact_id)
    select ${chainId}, * from unnest(
      ${deployed.map(body => body.escrow_address)}::text[],
      ${deployed.map(body => body.factory_address)}::text[],
      ${deployed.map(body => body.fact_id)}::uuid[]
    )
    on conflict (chain_id, escrow_address) do nothing`
}

type NewFact = { body: FactBody; finality: Level; traceparent: string }

async function insertFacts(tx: Sql, { chainId, facts }: { chainId: number; facts: readonly NewFact[] }): Promise<void> {
  if (facts.length === 0) return
  await tx`
    insert into facts (fact_id, chain_id, block_hash, block_number, log_index, finality, body, traceparent)
    select fact_id, ${chainId}, block_hash, block_number, log_index, finality, body::jsonb, traceparent from unnest(
      ${facts.map(({ body }) => body.fact_id)}::uuid[],
      ${facts.map(({ body }) => body.block_hash)}::text[],
      ${facts.map(({ body }) => body.block_number)}::bigint[],
      ${facts.map(({ body }) => body.log_index)}::bigint[],
      ${facts.map(({ finality }) => finality)}::text[],
      ${facts.map(({ body }) => JSON.stringify(body))}::text[],
      ${facts.map(({ traceparent }) => traceparent)}::text[]
    ) as given (fact_id, block_hash, block_number, log_index, finality, body, traceparent)`
}

async function isStored(sql: Sql, { chainId, block }: { chainId: number; block: BlockId }): Promise<boolean> {
  const rows = await sql`
    select 1 from blocks where chain_id = ${chainId} and block_number = ${block.number} and block_hash = ${block.hash} and canonical`
  return rows.length > 0
}

type RaisedFact = { body: FactBody; incarnation: string; traceparent: string }

/** Raises the oldest facts below the level, at most RAISE_LIMIT; in chain order. */
async function raiseFacts(
  tx: Sql,
  { chainId, level, upTo }: { chainId: number; level: Level; upTo: number }
): Promise<RaisedFact[]> {
  const below: Level[] = level === 'finalized' ? ['seen', 'safe'] : ['seen']
  return tx<RaisedFact[]>`
    with due as (
      select fact_id from facts
      where chain_id = ${chainId} and block_number <= ${upTo} and finality in ('seen', 'safe') and finality = any (${below}::text[])
      order by block_number, log_index
      limit ${RAISE_LIMIT}
    ), raised as (
      update facts set finality = ${level} from due where facts.fact_id = due.fact_id
      returning facts.block_number, facts.log_index, facts.body, facts.incarnation, facts.traceparent
    )
    select body, incarnation, traceparent from raised order by block_number, log_index`
}
