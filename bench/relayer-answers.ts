import { FACTORY } from './relayer-chain.ts'
import type { NodeHeads } from './relayer-scenarios.ts'

/** A block as the node answers it, in JSON that was rendered before. */
export type PreparedBlock = { hash: string; header: Buffer; receipts: Buffer; logs: PreparedLog[] }

export type PreparedLog = { address: string; topic0: string; json: Buffer }

/** Blocks by number; block 0 is the first. */
export type AnswersOptions = { chainId: number; blocks: readonly PreparedBlock[] }

/** `bytes`: of the answers, with their envelopes. */
export type MethodCount = { calls: number; bytes: number }
export type Counts = { requests: number; requestBytes: number; methods: Record<string, MethodCount> }

export type Answers = {
  /** The body of an HTTP request, one call or a batch, to the body of its answer. */
  answer(body: Buffer): Buffer
  /** Sets the heads and begins to count anew. */
  begin(heads: NodeHeads): void
  counts(): Counts
}

type Call = { id: unknown; method: string; params: readonly unknown[] }
type Filter = {
  fromBlock?: string
  toBlock?: string
  blockHash?: string
  address?: string | string[]
  topics?: unknown[]
}

class RpcError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const NOTHING = Buffer.from('null')
const CODE = Buffer.from('"0x60806040"')
const COMMA = Buffer.from(',')

/** An honest JSON-RPC node over a chain that stands still. */
export function createAnswers({ chainId, blocks }: AnswersOptions): Answers {
  const numbers = new Map(blocks.map(({ hash }, number) => [hash, number]))
  let heads: NodeHeads = { latest: 0, finalized: 0 }
  let counted: Counts = { requests: 0, requestBytes: 0, methods: {} }

  const visible = (number: number | undefined) =>
    number !== undefined && number <= heads.latest ? blocks[number] : undefined
  const byHash = (hash: unknown) => visible(numbers.get(String(hash)))
  const byNumber = (tag: unknown) => visible(numberOf(String(tag), heads))

  function logs({ fromBlock = 'latest', toBlock = 'latest', blockHash, address, topics }: Filter): Buffer {
    const wanted = { addresses: setOf(address), topic0s: setOf(topics?.[0]) }
    if (blockHash !== undefined) {
      const block = byHash(blockHash)
      if (!block) throw new RpcError(-32000, 'unknown block')
      return list(matching([block], wanted))
    }
    const [from, to] = [numberOf(fromBlock, heads), numberOf(toBlock, heads)]
    if (to > heads.latest) throw new RpcError(-32000, 'block range extends beyond current head block')
    if (from > to) throw new RpcError(-32000, 'invalid block range params')
    return list(matching(blocks.slice(from, to + 1), wanted))
  }

  const methods: Record<string, (params: readonly unknown[]) => Buffer> = {
    eth_chainId: () => Buffer.from(`"0x${chainId.toString(16)}"`),
    eth_blockNumber: () => Buffer.from(`"0x${heads.latest.toString(16)}"`),
    eth_getCode: ([address]) => (String(address).toLowerCase() === FACTORY ? CODE : Buffer.from('"0x"')),
    eth_getBlockByNumber: ([tag]) => byNumber(tag)?.header ?? NOTHING,
    eth_getBlockByHash: ([hash]) => byHash(hash)?.header ?? NOTHING,
    eth_getBlockReceipts: ([tag]) => (byHash(tag) ?? byNumber(tag))?.receipts ?? NOTHING,
    // Whoever calls it gives an object.
    eth_getLogs: ([filter]) => logs(filter as Filter)
  }

  function answerCall({ id, method, params }: Call): Buffer[] {
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`
    try {
      const respond = methods[method]
      if (!respond) throw new RpcError(-32601, `the method ${method} does not exist/is not available`)
      return [Buffer.from(`${head}"result":`), respond(params), Buffer.from('}')]
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      const { code, message } = error
      return [Buffer.from(`${head}"error":${JSON.stringify({ code, message })}}`)]
    }
  }

  function count(method: string, parts: readonly Buffer[]): void {
    const counts = counted.methods[method] ?? { calls: 0, bytes: 0 }
    counted.methods[method] = counts
    counts.calls += 1
    for (const part of parts) counts.bytes += part.length
  }

  return {
    answer(body) {
      counted.requests += 1
      counted.requestBytes += body.length
      // What a JSON-RPC client sends.
      const calls = JSON.parse(body.toString()) as Call | Call[]
      const answers = [calls].flat().map(call => {
        const parts = answerCall(call)
        count(call.method, parts)
        return Buffer.concat(parts)
      })
      return Array.isArray(calls) ? list(answers) : Buffer.concat(answers)
    },
    begin(next) {
      heads = next
      counted = { requests: 0, requestBytes: 0, methods: {} }
    },
    counts: () => counted
  }
}

function numberOf(tag: string, { latest, finalized }: NodeHeads): number {
  switch (tag) {
    case 'latest':
    case 'pending':
      return latest
    case 'safe':
    case 'finalized':
      return finalized
    case 'earliest':
      return 0
    default:
      return Number(tag)
  }
}

function setOf(value: unknown): Set<string> | undefined {
  if (value === undefined || value === null) return undefined
  return new Set([value].flat().map(one => String(one).toLowerCase()))
}

function matching(
  blocks: readonly PreparedBlock[],
  { addresses, topic0s }: { addresses: Set<string> | undefined; topic0s: Set<string> | undefined }
): Buffer[] {
  const found: Buffer[] = []
  for (const { logs } of blocks)
    for (const { address, topic0, json } of logs)
      if ((!addresses || addresses.has(address)) && (!topic0s || topic0s.has(topic0))) found.push(json)
  return found
}

const list = (items: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('['),
    ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])),
    Buffer.from(']')
  ])
