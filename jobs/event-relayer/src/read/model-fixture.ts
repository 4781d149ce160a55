import { signatures } from '@fusion-prime/chain/logs'
import type { RpcLog } from '../proof/receipts.ts'
import { RpcFault } from '../providers/rpc.ts'
import { type BuiltBlock, buildBlock, type ModelLog } from '../testing/blocks.ts'
import { createReader, type HeaderFormat, type Reader } from './reader.ts'

type Hex = `0x${string}`

export const address = (tag: number): Hex => `0x${tag.toString(16).padStart(40, '0')}`
const word = (value: number | string): string =>
  (typeof value === 'string' ? value.slice(2) : value.toString(16)).padStart(64, '0')

export const factory = address(0xfac)
const [payer, payee] = [address(0xa1), address(0xa2)]

function topicOf(name: string, parameters: number): Hex {
  const found = signatures.find(known => known.name === name && known.parameters.length === parameters)
  if (!found) throw new Error(`no ${name} with ${parameters} parameters`)
  return found.topic0
}

/** Logs as the contracts write them. */
export const deployed = (escrow: string, by: string = factory): ModelLog => ({
  address: by,
  topics: [topicOf('EscrowDeployed', 6), `0x${word(escrow)}`, `0x${word(payer)}`, `0x${word(payee)}`],
  data: `0x${word(1000)}${word(0)}${word(1)}`
})
export const approved = (escrow: string, by: string = payer): ModelLog => ({
  address: escrow,
  topics: [topicOf('ApprovalGranted', 1), `0x${word(by)}`],
  data: '0x'
})
export const released = (escrow: string, to: string = payee, amount = 1000): ModelLog => ({
  address: escrow,
  topics: [topicOf('EscrowReleased', 3), `0x${word(to)}`],
  data: `0x${word(amount)}${word(1)}`
})
export const refunded = (escrow: string, to: string = payer, amount = 1000): ModelLog => ({
  address: escrow,
  topics: [topicOf('EscrowRefunded', 3), `0x${word(to)}`],
  data: `0x${word(amount)}${word(1)}`
})
export const unknownEvent = (escrow: string): ModelLog => ({
  address: escrow,
  topics: [`0x${'99'.repeat(32)}`],
  data: '0x01'
})

/** A chain from block 0 on: per block its transactions, per transaction its logs. Chains of other salts share block 0 alone. */
export function modelChain(blocks: readonly (readonly (readonly ModelLog[])[])[], salt = ''): BuiltBlock[] {
  const chain: BuiltBlock[] = []
  for (const [number, transactions] of blocks.entries()) {
    const parentHash = chain.at(-1)?.header.hash ?? `0x${'0'.repeat(64)}`
    const block = { number, parentHash, timestamp: 1_700_000_000 + 12 * number, salt: number === 0 ? '' : salt }
    chain.push(buildBlock({ ...block, transactions: transactions.map(logs => ({ logs })) }))
  }
  return chain
}

export type Params = readonly unknown[]
/** What a provider says instead; `honest` is what it should have said. */
export type Lie = (params: Params, honest: () => unknown) => unknown
export type LogQuery = {
  fromBlock?: string
  toBlock?: string
  blockHash?: string
  address?: string[]
  topics?: string[][]
}

export type ModelProvider = { reader: Reader; calls: { method: string; params: Params }[]; learned: unknown[] }

/** A provider of a chain, honest but for its lies. `chain` is read at each call, so it may change meanwhile. */
export function modelProvider({
  chain,
  id = '1:model',
  lies = {},
  format = 'ethereum',
  max_blocks = 1000
}: {
  chain: readonly BuiltBlock[]
  id?: string
  lies?: Readonly<Record<string, Lie>>
  format?: HeaderFormat
  max_blocks?: number
}): ModelProvider {
  const calls: ModelProvider['calls'] = []
  const learned: unknown[] = []
  const answers: Record<string, (params: Params) => unknown> = {
    eth_chainId: () => '0x7a69',
    eth_getCode: () => '0x60',
    eth_getBlockByNumber: ([at]) => blockAt(chain, String(at))?.header ?? null,
    eth_getBlockByHash: ([hash]) => withTransactions(chain.find(({ header }) => header.hash === hash)),
    eth_getBlockReceipts: ([at]) => blockAt(chain, String(at))?.receipts ?? null,
    eth_getTransactionReceipt: ([hash]) =>
      chain.flatMap(({ receipts }) => receipts).find(({ transactionHash }) => transactionHash === hash) ?? null,
    // The reader builds the query.
    eth_getLogs: ([query]) => matching(chain, query as LogQuery)
  }
  const rpc = async (method: string, params: Params): Promise<unknown> => {
    calls.push({ method, params })
    // As over the wire, so that nothing is shared with the model.
    const honest = () => structuredClone(answers[method]?.(params))
    const lie = lies[method]
    return lie ? lie(params, honest) : honest()
  }
  const limits = {
    max_blocks,
    learn: (limit: unknown) => void learned.push(limit),
    grow: () => undefined,
    values: () => ({ max_blocks })
  }
  return { reader: createReader({ id, rpc, limits, format }), calls, learned }
}

const blockAt = (chain: readonly BuiltBlock[], at: string): BuiltBlock | undefined => {
  if (at === 'latest') return chain.at(-1)
  if (at === 'safe') return chain.at(-3)
  if (at === 'finalized') return chain.at(-5)
  return at.length === 66 ? chain.find(({ header }) => header.hash === at) : chain[Number(at)]
}

const withTransactions = (block: BuiltBlock | undefined) =>
  block ? { ...block.header, transactions: block.receipts.map(({ transactionHash }) => transactionHash) } : null

export function matching(chain: readonly BuiltBlock[], query: LogQuery): RpcLog[] {
  const [from, to] = [Number(query.fromBlock ?? '0x0'), Number(query.toBlock ?? '0xffffffff')]
  const asked = ({ header }: BuiltBlock) =>
    query.blockHash ? header.hash === query.blockHash : Number(header.number) >= from && Number(header.number) <= to
  const wanted = ({ address, topics }: RpcLog) =>
    query.address ? query.address.includes(address) : query.topics?.[0]?.includes(topics[0] ?? '') === true
  return chain.filter(asked).flatMap(({ logs }) => logs.filter(wanted))
}

export const fault =
  (kind: 'retry' | 'give_up' | 'rate_limited' | 'split', message: string = kind) =>
  (): never => {
    throw new RpcFault(message, { kind })
  }
