import type { RpcHeader } from '../src/proof/header.ts'
import type { RpcLog, RpcReceipt } from '../src/proof/receipts.ts'
import type { FaultKind, Faults } from './faults.ts'
import type { ModelChain } from './model-chain.ts'
import { childLog } from './model-events.ts'
import type { ProviderPlan } from './model-provider.ts'
import type { Random } from './random.ts'

type Spoil = (method: string, answer: unknown, params: readonly unknown[]) => unknown

/** Answers the changed answer, or undefined where there is nothing to change. */
type Change<Answer> = (answer: Answer) => unknown

const RATE = 0.06

/** Changes a true answer now and then into one that a lying, broken or careless node would give. */
export function createAnswerFaults({
  plan,
  chain,
  random,
  faults
}: {
  plan: ProviderPlan
  chain: ModelChain
  random: Random
  faults: Faults
}): Spoil {
  const invented = ({ blockHash, blockNumber }: Pick<RpcLog, 'blockHash' | 'blockNumber'>): RpcLog => {
    const watched = [...(chain.byHash(blockHash)?.escrows.keys() ?? [])]
    const address = watched.length > 0 ? random.pick(watched) : random.pick([...chain.truth.factories])
    const { topics, data } = childLog(random, address)
    const place = { blockHash, blockNumber, transactionHash: random.hex(32), transactionIndex: '0x0', logIndex: '0x9' }
    return { address, topics, data, ...place } as RpcLog // only `meaning` is left out
  }
  const insert = (logs: readonly RpcLog[], ...more: object[]) =>
    logs.toSpliced(random.int(0, logs.length), 0, ...(more as RpcLog[]))

  const ofLogs: Partial<Record<FaultKind, Change<readonly RpcLog[]>>> = {
    omitted(logs) {
      const kept = random.chance(0.5) ? [] : logs.filter(() => random.chance(0.5))
      return kept.length < logs.length ? kept : undefined
    },
    invented(logs) {
      const tip = chain.tip()
      const place = logs.length > 0 ? random.pick(logs) : { blockHash: tip.hash, blockNumber: tip.built.header.number }
      return insert(logs, invented(place))
    },
    conflicting(logs) {
      if (logs.length === 0) return undefined
      const log = random.pick(logs)
      return insert(logs, { ...log, data: `${log.data}00` })
    },
    duplicated: logs => (logs.length === 0 ? undefined : insert(logs, random.pick(logs))),
    removed(logs) {
      if (logs.length === 0) return undefined
      return insert(logs, { ...invented(random.pick(logs)), removed: true })
    },
    shuffled: logs => (logs.length < 2 ? undefined : logs.toReversed()),
    foreign_block(logs) {
      if (logs.length === 0) return undefined
      const at = random.int(0, logs.length - 1)
      return logs.map((log, index) => (index === at ? { ...log, blockHash: random.hex(32) } : log))
    },
    foreign_transaction(logs) {
      if (logs.length === 0) return undefined
      const at = random.int(0, logs.length - 1)
      return logs.map((log, index) => (index === at ? { ...log, transactionHash: random.hex(32) } : log))
    },
    null_logs: () => null
  }
  const ofBlocks: Partial<Record<FaultKind, Change<RpcHeader>>> = {
    null_block: () => null,
    wrong_bloom: ({ logsBloom, ...header }) =>
      /[1-9a-f]/.test(logsBloom.slice(2)) ? { ...header, logsBloom: `0x${'0'.repeat(512)}` } : undefined,
    wrong_hash: header => ({ ...header, hash: random.hex(32) })
  }
  /** Not of tags: a block that is really there, called final too early, can't be told from the truth. */
  const ofNumbers: Partial<Record<FaultKind, Change<RpcHeader>>> = {
    wrong_block({ parentHash }) {
      const parent = chain.byHash(parentHash)
      return parent && { ...parent.built.header, transactions: [] }
    }
  }
  const ofReceipts: Partial<Record<FaultKind, Change<readonly RpcReceipt[]>>> = {
    null_receipts: () => null,
    forged_receipts(receipts) {
      const at = receipts.findIndex(receipt => receipt.logs.length > 0)
      if (at < 0) return undefined
      return receipts.map((receipt, index) => (index === at ? { ...receipt, logs: receipt.logs.slice(1) } : receipt))
    }
  }

  function change<Answer>(answer: Answer, changes: Partial<Record<FaultKind, Change<Answer>>>): unknown {
    // The keys are those of the tables above.
    for (const [kind, make] of Object.entries(changes) as [FaultKind, Change<Answer>][]) {
      if (!faults.strikes(kind, RATE)) continue
      const changed = make(answer)
      if (changed === undefined) continue
      faults.note(kind, plan.url)
      return changed
    }
    return answer
  }

  return (method, answer, params) => {
    if (answer === null) return answer
    // What a method answers is known from model-provider.ts.
    switch (method) {
      case 'eth_getLogs':
        return change(answer as readonly RpcLog[], ofLogs)
      case 'eth_getBlockByNumber':
      case 'eth_getBlockByHash':
        return change(answer as RpcHeader, isNumber(params[0]) ? { ...ofBlocks, ...ofNumbers } : ofBlocks)
      case 'eth_getBlockReceipts':
        return change(answer as readonly RpcReceipt[], ofReceipts)
      default:
        return answer
    }
  }
}

const isNumber = (at: unknown): boolean => typeof at === 'string' && at.startsWith('0x')
