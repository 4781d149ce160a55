import type { OutboxMessage, Pool, Sql } from '@fusion-prime/postgres'
import { type Log, newTraceparent } from '@fusion-prime/runtime'
import type { Block, BlockId, Level } from '../chain.ts'
import type { ReadLog } from '../decode/escrow.ts'
import { type CoveragePlan, type LaneFilter, laneKey } from '../lanes/plan.ts'
import { manifestMessage } from '../message.ts'
import { ChainMoved } from '../read/chain-moved.ts'
import { upsertBlocks } from './blocks.ts'
import { type Coverage, cover, forgetCoverage, loadCoverage, uncover } from './coverage.ts'
import { upsertFacts } from './facts.ts'
import type { Lease } from './lease.ts'
import { insertLogs, loadEscrows, noteMalformed, watchEscrows } from './logs.ts'
import { digestOf, insertManifest } from './manifests.ts'
import { messagesOf, termsOf } from './messages.ts'
import { manifestEndingAt, restateManifests, revise } from './revisions.ts'
import type { Committed, FencedWrite } from './store.ts'

/** A filter that is being added, and the last block that was read for it; its hash is unknown before the first range. */
export type Lane = LaneFilter & { key: string; cursor: { number: number; hash: string | undefined } }

/** A verified range of a lane: all its headers, and every log of an address that the lane watches. */
export type LaneRange = {
  headers: readonly Block[]
  last: Block
  logs: readonly ReadLog[]
  level: Level
  /** It lies before the first block that was ever relayed, so that no manifest speaks of it yet. */
  history: boolean
}

export type Merged = { restated: number }

/** Lanes and what is covered. What needs a lease is fenced. */
export type LaneStore = {
  coverage(): Promise<Coverage[]>
  /** Those that aren't merged, oldest first. */
  open(): Promise<Lane[]>
  escrows(key: string): Promise<Map<string, string>>
  /** By an operator, who needs no lease: whoever holds it reads the lane. One that is open stays as it is. */
  request(lane: LaneFilter): Promise<void>
  applyPlan(lease: Lease, plan: CoveragePlan & { checkpoint: BlockId | undefined }): Promise<void>
  /** Throws ChainMoved where a stored block isn't the lane's. */
  commit(lease: Lease, lane: Lane, range: LaneRange): Promise<Committed>
  /** Makes a lane whose cursor is the checkpoint a part of the live one, and states its ranges anew where facts were added. */
  merge(lease: Lease, lane: Lane, topics: readonly string[]): Promise<Merged>
}

export function createLaneStore({
  sql,
  chainId,
  write,
  log
}: {
  sql: Pool
  chainId: number
  write: FencedWrite
  log: Log
}): LaneStore {
  return {
    coverage: () => loadCoverage(sql, chainId),
    open: () => loadLanes(sql, chainId),
    escrows: key => loadEscrows(sql, chainId, key),
    request: lane => insertLane(sql, { chainId, lane }),
    applyPlan: (lease, { first, ended, opened, checkpoint }) =>
      write('lane', lease, async tx => {
        if (!checkpoint) await forgetCoverage(tx, chainId)
        if (first) await cover(tx, { chainId, ...first })
        if (checkpoint) await uncover(tx, { chainId, pairs: ended, until: checkpoint.number })
        for (const lane of opened) await insertLane(tx, { chainId, lane })
        return { result: undefined, messages: [] }
      }),
    commit: (lease, lane, range) => write('lane', lease, tx => commitLane(tx, { chainId, lane, range, log })),
    merge: (lease, lane, topics) => write('lane', lease, tx => mergeLane(tx, { chainId, lane, topics }))
  }
}

async function loadLanes(sql: Sql, chainId: number): Promise<Lane[]> {
  const rows = await sql<
    {
      key: string
      factories: string[]
      topics: string[] | null
      from_block: number
      number: number
      hash: string | null
    }[]
  >`
    select lane_key as key, factories, topics, from_block::float8 as from_block, block_number::float8 as number, block_hash as hash
    from lanes where chain_id = ${chainId} and merged_at is null
    order by created_at, lane_key`
  return rows.map(({ number, hash, topics, ...row }) => ({
    ...row,
    topics: topics ?? undefined,
    cursor: { number, hash: hash ?? undefined }
  }))
}

/** One that was merged is read again: what it had covered was uncovered since. */
async function insertLane(tx: Sql, { chainId, lane }: { chainId: number; lane: LaneFilter }): Promise<void> {
  const { factories, topics, from_block } = lane
  await tx`
    insert into lanes (chain_id, lane_key, factories, topics, from_block, block_number)
    values (
      ${chainId}, ${laneKey(lane)}, ${[...factories]}::text[], ${topics ? [...topics] : null}::text[], ${from_block}, ${from_block - 1}
    )
    on conflict (chain_id, lane_key) do update
    set block_number = excluded.block_number, block_hash = null, created_at = now(), merged_at = null
    where lanes.merged_at is not null`
}

async function commitLane(
  tx: Sql,
  { chainId, lane, range, log }: { chainId: number; lane: Lane; range: LaneRange; log: Log }
): Promise<{ result: Committed; messages: OutboxMessage[][] }> {
  const { headers, last, logs, level, history } = range
  await moveLane(tx, { chainId, lane, to: last })
  await assertStored(tx, { chainId, headers })
  const withLogs = new Set(logs.map(({ log }) => log.block_hash))
  await upsertBlocks(tx, { chainId, blocks: headers.filter(({ hash }) => withLogs.has(hash)) })
  await insertLogs(tx, { chainId, logs })
  if (lane.topics) await readAnew(tx, logs)
  const malformed = await noteMalformed(tx, { chainId, logs })
  const bodies = logs.flatMap(read => (read.reading === 'published' ? [read.body] : []))
  await watchEscrows(tx, { chainId, bodies, laneKey: lane.key })
  const facts = bodies.map(body => ({ body, finality: level, traceparent: newTraceparent() }))
  const begun = await upsertFacts(tx, { chainId, facts })
  const first = facts.flatMap(fact => {
    const stored = begun.get(fact.body.fact_id)
    return stored ? [{ ...fact, ...stored, first: true }] : []
  })
  const messages = messagesOf(first, { terms: await termsOf(tx, { chainId, facts: first }), log })
  const stated = history ? [await stateHistory(tx, { chainId, range })] : []
  return { result: { facts: first.length, malformed }, messages: [...messages, stated] }
}

async function moveLane(
  tx: Sql,
  { chainId, lane: { key, cursor }, to }: { chainId: number; lane: Lane; to: BlockId }
): Promise<void> {
  const moved = await tx`
    update lanes set block_number = ${to.number}, block_hash = ${to.hash}
    where chain_id = ${chainId} and lane_key = ${key} and merged_at is null
      and block_number = ${cursor.number} and block_hash is not distinct from ${cursor.hash ?? null}`
  if (moved.count === 0) throw new Error(`lane ${key} of chain ${chainId} is no longer at block ${cursor.number}`)
}

/** A lane reads what lies below the checkpoint, so its blocks must be those that are stored there. */
async function assertStored(
  tx: Sql,
  { chainId, headers }: { chainId: number; headers: readonly Block[] }
): Promise<void> {
  const [other] = await tx<BlockId[]>`
    select block_number::float8 as number, block_hash as hash from blocks
    where chain_id = ${chainId} and canonical
      and block_number between ${headers[0]?.number ?? 0} and ${headers.at(-1)?.number ?? -1}
      and block_hash <> all (${headers.map(({ hash }) => hash)}::text[])
    limit 1`
  if (other) throw new ChainMoved(other)
}

/** A log that was kept raw, because its signature wasn't known, is read now. */
async function readAnew(tx: Sql, logs: readonly ReadLog[]): Promise<void> {
  await tx`
    update raw_logs set reading = given.reading, detail = null
    from unnest(${logs.map(read => read.fact_id)}::uuid[], ${logs.map(read => read.reading)}::text[]) as given (fact_id, reading)
    where raw_logs.fact_id = given.fact_id and raw_logs.reading in ('unknown', 'malformed') and given.reading = 'published'`
}

async function stateHistory(
  tx: Sql,
  { chainId, range: { headers, last } }: { chainId: number; range: LaneRange }
): Promise<OutboxMessage> {
  const [first = last] = headers
  const before = await manifestEndingAt(tx, { chainId, block: first.number - 1 })
  const stated = {
    from_block: first.number,
    from_hash: first.hash,
    to_block: last.number,
    to_hash: last.hash,
    ...(await digestOf(tx, { chainId, from: first.number, to: last.number })),
    previous_digest: before?.digest ?? null
  }
  const manifest = await revise(tx, { chainId, manifest: stated })
  await insertManifest(tx, { chainId, manifest })
  return manifestMessage({ chainId, manifest, traceparent: newTraceparent() })
}

async function mergeLane(
  tx: Sql,
  { chainId, lane, topics }: { chainId: number; lane: Lane; topics: readonly string[] }
): Promise<{ result: Merged; messages: OutboxMessage[][] }> {
  const { key, factories, from_block } = lane
  const merged = await tx`
    update lanes set merged_at = now() from checkpoints
    where lanes.chain_id = ${chainId} and lane_key = ${key} and merged_at is null and checkpoints.chain_id = lanes.chain_id
      and (lanes.block_number, lanes.block_hash) = (checkpoints.block_number, checkpoints.block_hash)`
  if (merged.count === 0) throw new Error(`lane ${key} of chain ${chainId} has not come to the checkpoint`)
  await tx`update escrows set lane_key = null where chain_id = ${chainId} and lane_key = ${key}`
  const pairs = factories.flatMap(factory => (lane.topics ?? topics).map(topic0 => ({ factory, topic0 })))
  await cover(tx, { chainId, pairs, from: from_block })
  await tx`update checkpoints set first_block = least(first_block, ${from_block}) where chain_id = ${chainId}`
  const messages = await restateManifests(tx, { chainId, from: from_block })
  return { result: { restated: messages.length }, messages: [messages] }
}

/** After a reorg, or an operator's resume, lanes go back with the checkpoint. */
export async function rewindLanes(tx: Sql, { chainId, to }: { chainId: number; to: BlockId }): Promise<void> {
  await tx`
    update lanes set block_number = ${to.number}, block_hash = ${to.hash}
    where chain_id = ${chainId} and merged_at is null and block_number > ${to.number}`
}
