import { createAnswerFaults } from './answer-faults.ts'
import type { Faults } from './faults.ts'
import { ancestorAt, type ModelBlock } from './model-block.ts'
import type { ModelChain } from './model-chain.ts'
import { createViews, type View } from './provider-view.ts'
import type { Random } from './random.ts'
import { createRefusals, unknownBlock, unknownMethod } from './refusals.ts'

/** Answers one JSON-RPC call at once, or throws an RpcFault; an answer may be wrong. */
export type ModelProvider = { url: string; answer(method: string, params: readonly unknown[]): unknown }

export type ProviderPlan = {
  url: string
  /** Its answers and its view of the chain are always true; it may still refuse or fail to answer. */
  honest: boolean
  maxBlocks: number | undefined
  maxResults: number | undefined
  maxAddresses: number | undefined
  hasBlockReceipts: boolean
}

type Deps = { plan: ProviderPlan; chain: ModelChain; random: Random; faults: Faults; now: () => number }

export function createModelProvider(deps: Deps): ModelProvider {
  const { plan, chain, faults } = deps
  const view = createViews(deps)
  const refusals = createRefusals(deps)
  const spoil = plan.honest ? (_: string, answer: unknown) => answer : createAnswerFaults(deps)

  function answer(method: string, params: readonly unknown[]): unknown {
    refusals.transport(method)
    const seen = view()
    switch (method) {
      case 'eth_chainId':
        return hex(chain.truth.chainId)
      case 'eth_getCode':
        return chain.truth.factories.has(String(params[0])) ? '0x60' : '0x'
      case 'eth_blockNumber':
        return hex(seen.tip.number)
      case 'eth_getBlockByNumber':
        return blockAnswer(blockAt(seen, String(params[0])))
      case 'eth_getBlockByHash':
        return blockAnswer(known(seen, String(params[0])))
      case 'eth_getBlockReceipts':
        return receiptsOf(seen, params[0])
      case 'eth_getTransactionReceipt':
        return receiptOf(seen, String(params[0]))
      case 'eth_getLogs':
        // The reader's questions are objects; what is in them is read field by field.
        return logsFor(seen, (params[0] ?? {}) as Question)
      default:
        throw unknownMethod(method)
    }
  }

  function receiptsOf(seen: View, at: unknown): unknown {
    if (!plan.hasBlockReceipts) {
      faults.note('no_block_receipts', plan.url)
      throw unknownMethod('eth_getBlockReceipts')
    }
    const text = String(at)
    const block = text.length === 66 ? known(seen, text) : blockAt(seen, text)
    return block ? block.built.receipts : null
  }

  function receiptOf(seen: View, hash: string): unknown {
    for (let block: ModelBlock | undefined = seen.tip; block; block = block.parent) {
      const found = block.built.receipts.find(receipt => receipt.transactionHash === hash)
      if (found) return found
    }
    return null
  }

  function logsFor(seen: View, question: Question): unknown {
    const pinned = question.blockHash === undefined ? undefined : known(seen, question.blockHash)
    if (question.blockHash !== undefined && !pinned) throw unknownBlock()
    const range = pinned ? { from: pinned.number, to: pinned.number } : rangeOf(question)
    refusals.range(range, question)
    const blocks = pinned ? [pinned] : pathBetween(seen.tip, range)
    const logs = blocks.flatMap(block => block.built.logs).filter(log => matches(log, question))
    refusals.results(logs.length, range)
    return logs
  }

  return { url: plan.url, answer: (method, params) => spoil(method, answer(method, params), params) }
}

type Question = {
  fromBlock?: string
  toBlock?: string
  blockHash?: string
  address?: string | readonly string[]
  topics?: readonly (string | readonly string[] | null)[]
}

const hex = (value: number): string => `0x${value.toString(16)}`

/** By hash a node answers what lies on its branch, or what it had met on another one at that height. */
function known(seen: View, hash: string): ModelBlock | undefined {
  const block = seen.byHash(hash)
  return block && block.number <= seen.tip.number ? block : undefined
}

function blockAt(seen: View, at: string): ModelBlock | undefined {
  if (at === 'latest') return seen.tip
  if (at === 'safe') return seen.safe
  if (at === 'finalized') return seen.finalized
  return ancestorAt(seen.tip, Number(at))
}

const blockAnswer = (block: ModelBlock | undefined): unknown =>
  block ? { ...block.built.header, transactions: block.transactions.map(({ hash }) => hash) } : null

const rangeOf = ({ fromBlock, toBlock }: Question) => ({ from: Number(fromBlock), to: Number(toBlock) })

function pathBetween(tip: ModelBlock, { from, to }: { from: number; to: number }): ModelBlock[] {
  const blocks: ModelBlock[] = []
  for (let block: ModelBlock | undefined = tip; block && block.number >= from; block = block.parent)
    if (block.number <= to) blocks.push(block)
  return blocks.reverse()
}

function matches(log: { address: string; topics: readonly string[] }, { address, topics }: Question): boolean {
  const has = (wanted: string | readonly string[] | null | undefined, value: string | undefined) =>
    wanted === undefined || wanted === null || (value !== undefined && [wanted].flat().includes(value))
  return has(address, log.address) && (topics ?? []).every((wanted, at) => has(wanted, log.topics[at]))
}
