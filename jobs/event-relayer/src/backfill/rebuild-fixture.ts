import { type OutboxMessage, type Pool, transaction } from '@fusion-prime/postgres'
import { createLog, readConfig } from '@fusion-prime/runtime'
import { createEventRelayer, type EventRelayer } from '../app.ts'
import { RelayerConfig } from '../config.ts'
import type { Rpc } from '../providers/rpc.ts'
import {
  address,
  approved,
  deployed,
  type LogQuery,
  matching,
  modelChain,
  refunded,
  released
} from '../read/model-fixture.ts'
import { type BuiltBlock, buildBlock, type ModelLog } from '../testing/blocks.ts'
import { type CrashPoint, systemClock, type World } from '../world.ts'

export const [first, second] = [address(0xf1), address(0xf2)]
export const [payer, payee] = [address(0xa1), address(0xa2)]
/** Each factory deploys an escrow every few blocks; each escrow is approved in its own block and later, twice in one transaction, then released. */
export function lives(blocks: number, salt = ''): BuiltBlock[] {
  const logs: ModelLog[][][] = Array.from({ length: blocks }, () => [])
  const put = (block: number, ...transaction: ModelLog[]) => logs[block]?.push(transaction)
  for (let block = 1; block < blocks; block += 3) {
    const factory = block % 2 === 0 ? first : second
    const escrow = address(0xe0000 + block)
    put(block, approved(escrow), deployed(escrow, factory))
    put(block + 7, approved(escrow, payer), approved(escrow, payee))
    put(block + 20, block % 4 === 0 ? refunded(escrow) : released(escrow))
    put(block + 50, approved(escrow))
  }
  return modelChain(logs, salt)
}

/** The same lives from a block on in other blocks, and so in other transactions: other facts. */
export function forkAt(blocks: readonly BuiltBlock[], from: number): BuiltBlock[] {
  const fork = blocks.slice(0, from)
  for (const { header, receipts } of blocks.slice(from)) {
    const parentHash = fork.at(-1)?.header.hash ?? ''
    const transactions = receipts.map(({ logs }) => ({ logs }))
    fork.push(
      buildBlock({
        number: Number(header.number),
        parentHash,
        timestamp: Number(header.timestamp),
        transactions,
        salt: 'fork'
      })
    )
  }
  return fork
}

/** What a provider of the model says now; its tags move as a test moves them. */
export type ModelChain = {
  blocks: readonly BuiltBlock[]
  latest: number
  safe: number
  finalized: number
  calls: { method: string; params: readonly unknown[] }[]
}

export const chainOf = (blocks: readonly BuiltBlock[], heads: { latest: number; safe: number; finalized: number }) => ({
  blocks,
  ...heads,
  calls: []
})

/** All of it final. */
export const finalChain = (blocks: readonly BuiltBlock[]): ModelChain => {
  const last = blocks.length - 1
  return chainOf(blocks, { latest: last, safe: last, finalized: last })
}

export function rpcOf(chain: ModelChain): Rpc {
  const at = (tag: unknown): BuiltBlock | undefined => {
    if (tag === 'latest' || tag === 'safe' || tag === 'finalized') return chain.blocks[chain[tag]]
    const text = String(tag)
    const found =
      text.length === 66 ? chain.blocks.find(({ header }) => header.hash === text) : chain.blocks[Number(text)]
    return found && Number(found.header.number) <= chain.latest ? found : undefined
  }
  const answers: Record<string, (params: readonly unknown[]) => unknown> = {
    eth_chainId: () => '0x7a69',
    eth_getCode: () => '0x60',
    eth_getBlockByNumber: ([tag]) => at(tag)?.header ?? null,
    eth_getBlockReceipts: ([tag]) => at(tag)?.receipts ?? null,
    // The reader builds the query.
    eth_getLogs: ([query]) => matching(chain.blocks.slice(0, chain.latest + 1), query as LogQuery)
  }
  return async (method, params) => {
    chain.calls.push({ method, params })
    return structuredClone(answers[method]?.(params))
  }
}

export type Place = { chain: ModelChain; databaseUrl: string; published?: OutboxMessage[] }

/** A relayer process over the model; several may share a database. */
export function startRelayer(
  { chain, databaseUrl, published = [] }: Place,
  { env = {}, at = () => undefined }: { env?: Record<string, string>; at?: World['at'] } = {}
): EventRelayer {
  const config = readConfig(RelayerConfig, {
    CHAIN_ID: '31337',
    RPC_URLS: 'http://model.test',
    ESCROW_FACTORIES: `${first},${second}`,
    DATABASE_URL: databaseUrl,
    GOOGLE_CLOUD_PROJECT: 'model',
    MAX_BLOCK_RANGE: '7',
    ...env
  })
  const world: World = {
    connect: () => rpcOf(chain),
    publisher: {
      async publish(messages) {
        published.push(...messages)
        return messages.map(() => undefined)
      },
      close: async () => undefined
    },
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal) },
    transaction,
    at,
    without: new Set()
  }
  return createEventRelayer({ config, log: createLog('rebuild-test', { write: () => undefined }), world })
}

/** A crash at the nth time that a point is passed; nothing of the process goes on after it. */
export function crashAt(point: CrashPoint, nth: number): World['at'] {
  let passed = 0
  return reached => {
    if (reached === point && ++passed >= nth) throw new Error(`crashed at ${point}`)
  }
}

/** What a rebuild must give again: facts, what was said of them when they were final, and the commands that followed. */
export async function outcomeOf(sql: Pool) {
  const facts = await sql<{ fact_id: string; finality: string; body: object }[]>`
    select fact_id, finality, body from facts order by fact_id`
  const finals = await sql<{ event_id: string; data: string }[]>`
    select event_id, data from outbox where topic = 'escrow-events' and attributes->>'finality' = 'finalized' order by event_id`
  const commands = await sql<{ event_id: string; ordering_key: string; data: string }[]>`
    select event_id, ordering_key, data from outbox where topic = 'settlement-commands' order by event_id`
  const escrows = await sql<
    { escrow_address: string; factory_address: string; gone: boolean; lane_key: string | null }[]
  >`
    select escrow_address, factory_address, gone, lane_key from escrows order by escrow_address`
  const [manifests] = await sql<{ blocks: number; facts: number }[]>`
    select sum(to_block - from_block + 1)::int as blocks, sum(fact_count)::int as facts from (
      select distinct on (from_block) * from manifests where not superseded order by from_block, revision desc
    ) as newest`
  return { facts: [...facts], finals: [...finals], commands: [...commands], escrows: [...escrows], manifests }
}
