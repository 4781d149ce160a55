import { PermanentError } from '@fusion-prime/runtime'
import { createClient, http } from 'viem'
import type { Block, BlockId, Chain, Heads, LogFilter, Range, RawLog } from '../chain.ts'
import type { FinalityRule } from '../config.ts'

type RpcBlock = { number: string; hash: string; parentHash: string; timestamp: string }
type RpcLog = {
  address: string
  topics: string[]
  data: string
  blockNumber: string
  blockHash: string
  transactionHash: string
  logIndex: string
  removed?: boolean
}

type Request = <Result>(method: string, params: unknown[]) => Promise<Result>

const RPC_TIMEOUT_MS = 10_000

/** A chain behind one JSON-RPC provider. An error or a null is never read as "nothing happened". */
export function createRpcChain({
  url,
  chainId,
  finality
}: {
  url: string
  chainId: number
  finality: FinalityRule
}): Chain {
  const transport = http(url, { batch: { batchSize: 100 }, timeout: RPC_TIMEOUT_MS, retryCount: 2 })
  const client = createClient({ transport })
  // viem types each method's answer; here every answer is checked below, method by method.
  const request = client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>
  const rpc: Request = async <Result>(method: string, params: unknown[]) =>
    (await request({ method, params })) as Result

  return {
    chainId,
    heads: () => readHeads(rpc, finality),
    block: number => readBlock(rpc, hex(number)),
    blocks: ({ from, to }) =>
      Promise.all(Array.from({ length: to - from + 1 }, (_, offset) => readBlock(rpc, hex(from + offset)))),
    logs: (range, filter) => readLogs(rpc, { range, filter }),
    check: factories => check(rpc, { chainId, factories })
  }
}

async function readHeads(rpc: Request, finality: FinalityRule): Promise<Heads> {
  const latest = await readBlock(rpc, 'latest')
  if (finality.by === 'depth') {
    const [safe, finalized] = await Promise.all([
      atDepth(rpc, latest, finality.safe),
      atDepth(rpc, latest, finality.finalized)
    ])
    return { latest, safe, finalized }
  }
  const [safe, finalized] = await Promise.all([tagged(rpc, 'safe'), tagged(rpc, 'finalized')])
  return { latest, safe, finalized }
}

const atDepth = (rpc: Request, latest: Block, depth: number): Promise<BlockId | undefined> =>
  latest.number < depth ? Promise.resolve(undefined) : readBlock(rpc, hex(latest.number - depth))

/** A young chain has no safe or finalized block yet; nodes answer null or an error for it. */
async function tagged(rpc: Request, tag: 'safe' | 'finalized'): Promise<BlockId | undefined> {
  const block = await rpc<RpcBlock | null>('eth_getBlockByNumber', [tag, false])
  return block ? toBlock(block) : undefined
}

async function readBlock(rpc: Request, at: string): Promise<Block> {
  const block = await rpc<RpcBlock | null>('eth_getBlockByNumber', [at, false])
  if (!block) throw new Error(`the provider has no block ${at}, though its head is not below it`)
  return toBlock(block)
}

function toBlock({ number, hash, parentHash, timestamp }: RpcBlock): Block {
  return {
    number: quantity(number),
    hash: bytes(hash, 32),
    parent_hash: bytes(parentHash, 32),
    timestamp: quantity(timestamp)
  }
}

async function readLogs(rpc: Request, { range, filter }: { range: Range; filter: LogFilter }): Promise<RawLog[]> {
  const what = 'addresses' in filter ? { address: filter.addresses } : { topics: [filter.topics] }
  const answer = await rpc<RpcLog[] | null>('eth_getLogs', [
    { fromBlock: hex(range.from), toBlock: hex(range.to), ...what }
  ])
  if (!Array.isArray(answer))
    throw new Error(`the provider answered no list of logs for blocks ${range.from} to ${range.to}`)
  return answer.filter(log => log.removed !== true).map(toLog)
}

function toLog(log: RpcLog): RawLog {
  return {
    block_number: quantity(log.blockNumber),
    block_hash: bytes(log.blockHash, 32),
    transaction_hash: bytes(log.transactionHash, 32),
    log_index: quantity(log.logIndex),
    address: bytes(log.address, 20),
    topics: log.topics.map(anyHex),
    data: anyHex(log.data)
  }
}

async function check(
  rpc: Request,
  { chainId, factories }: { chainId: number; factories: readonly string[] }
): Promise<void> {
  const actual = quantity(await rpc<string>('eth_chainId', []))
  if (actual !== chainId)
    throw new PermanentError(`CHAIN_ID is ${chainId}, but the provider in RPC_URLS serves chain ${actual}`)
  for (const factory of factories) {
    const code = await rpc<string>('eth_getCode', [factory, 'latest'])
    if (code === '0x')
      throw new PermanentError(`ESCROW_FACTORIES: there is no contract at ${factory} on chain ${chainId}`)
  }
}

const hex = (number: number): string => `0x${number.toString(16)}`

function quantity(text: string): number {
  const value = /^0x[0-9a-f]+$/i.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Error(`the provider gave "${text}" for a quantity`)
  return value
}

function bytes(text: string, length: number): `0x${string}` {
  if (!new RegExp(`^0x[0-9a-f]{${2 * length}}$`, 'i').test(text))
    throw new Error(`the provider gave "${text}" for ${length} bytes`)
  return anyHex(text)
}

/** Topics and data are judged by the decoder; here they only get one spelling. */
// The decoder takes any text here and calls what is not hex malformed.
const anyHex = (text: string): `0x${string}` => text.toLowerCase() as `0x${string}`
