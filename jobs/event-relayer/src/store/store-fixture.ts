import assert from 'node:assert/strict'
import { type Pool, transaction } from '@fusion-prime/postgres'
import { createLog, type Log } from '@fusion-prime/runtime'
import type { Level } from '../chain.ts'
import { type ReadLog, readLog } from '../decode/escrow.ts'
import { address, approved, deployed, factory, modelChain, modelProvider } from '../read/model-fixture.ts'
import { type BuiltBlock, buildBlock, type ModelLog } from '../testing/blocks.ts'
import { createWatchSet } from '../watch.ts'
import type { CrashPoint } from '../world.ts'
import type { Lease } from './lease.ts'
import { prepareFacts } from './messages.ts'
import { createStore, type NewRange, type Store } from './store.ts'

export const CHAIN_ID = 31337
export const [one, two] = [address(0xe1), address(0xe2)]
export const [alice, bob] = [address(0xa1), address(0xa2)]

/** Escrow `one` is deployed in block 1 and approved twice in one transaction of block 2; `two` is deployed and approved in block 3. */
export const story: readonly (readonly (readonly ModelLog[])[])[] = [
  [],
  [[deployed(one)]],
  [[approved(one, alice), approved(one, bob)]],
  [[deployed(two)], [approved(two)]],
  [],
  []
]
export const chain = modelChain(story)
/** The chain up to a block, then another branch of empty blocks. */
export function forkAfter(number: number, salt = 'branch'): BuiltBlock[] {
  const blocks = chain.slice(0, number + 1)
  for (let next = number + 1; next < chain.length; next++) {
    const parentHash = blocks.at(-1)?.header.hash ?? `0x${'0'.repeat(64)}`
    blocks.push(buildBlock({ number: next, parentHash, timestamp: 1_700_000_000 + 12 * next, transactions: [], salt }))
  }
  return blocks
}

const quiet = createLog('store-test', { write: () => undefined })
export const openStore = (
  sql: Pool,
  {
    holder = 'a',
    at = () => undefined,
    log = quiet
  }: { holder?: string; at?: (point: CrashPoint) => void; log?: Log } = {}
): Store => createStore({ sql, log, chainId: CHAIN_ID, holder, leaseSeconds: 30, at, transaction, without: new Set() })

export async function leaseOf(store: Store): Promise<Lease> {
  const lease = await store.takeLease()
  assert.ok(lease)
  return lease
}

export const idAt = (blocks: readonly BuiltBlock[], number: number) => {
  return { number, hash: blocks[number]?.header.hash ?? `0x${'0'.repeat(64)}` }
}

/** A verified range of a model chain, as reading gives it. */
export async function rangeOf(
  blocks: readonly BuiltBlock[],
  { from, to, level = 'seen' }: { from: number; to: number; level?: Level }
): Promise<NewRange> {
  const { reader } = modelProvider({ chain: blocks })
  const headers = await reader.headers({ from, to })
  const logs = (await Promise.all(headers.map(header => reader.receipts(header)))).flat()
  const context = {
    chain_id: CHAIN_ID,
    asset_symbol: 'ETH',
    blocks: new Map(headers.map(header => [header.hash, header])),
    factories: createWatchSet({ factories: [factory] }).factories,
    escrows: new Map([one, two].map(escrow => [escrow, factory]))
  }
  const last = headers.at(-1)
  assert.ok(last)
  const reads: ReadLog[] = logs.map(log => readLog(log, context))
  const facts = prepareFacts(reads, level)
  return { after: idAt(blocks, from - 1), last, blocks: headers, logs: reads, facts, level }
}

export type Said = { event_type: string; finality: string; incarnation: string; first: string }

/** What the outbox says, in its order: block, event, level with incarnation, `first`. */
export async function said(sql: Pool): Promise<string[]> {
  const rows = await sql<{ attributes: Said; data: string }[]>`
    select attributes, data from outbox where topic = 'escrow-events' order by seq`
  return rows.map(({ attributes: { event_type, finality, incarnation, first }, data }) => {
    const { block_number } = JSON.parse(data) as { block_number: number }
    const numbered = incarnation === '1' ? finality : `${finality}#${incarnation}`
    return `${block_number} ${event_type} ${numbered}${first === 'true' ? ' first' : ''}`
  })
}

/** Everything that is stored, for comparing before and after. */
export async function everything(sql: Pool): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const table of await tablesOf(sql)) {
    if (table === 'leases') continue
    found[table] = (await sql`select to_jsonb(rows) as row from ${sql(table)} as rows order by 1`).map(({ row }) => row)
  }
  return found
}

export async function empty(sql: Pool): Promise<void> {
  await sql.unsafe(`truncate ${(await tablesOf(sql)).join(', ')} restart identity`)
}

async function tablesOf(sql: Pool): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'`
  return rows.map(({ name }) => name)
}
