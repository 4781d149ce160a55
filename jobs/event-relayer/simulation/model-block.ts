import { factId } from '@fusion-prime/events'
import { type BuiltBlock, buildBlock } from '../src/testing/blocks.ts'
import type { TrueLog } from './model-events.ts'

/** A transaction may be mined again in another block, with the same hash and logs. */
export type Transaction = { hash: string; logs: readonly TrueLog[] }

/** What must be published of a log, less the level that it has reached. */
export type TrueFact = {
  fact_id: string
  event_type: string
  escrow_address: string
  block: ModelBlock
  log_index: number
  transaction_hash: string
  body: Readonly<Record<string, unknown>>
}

export type ModelBlock = {
  number: number
  hash: string
  parent: ModelBlock | undefined
  timestamp: number
  transactions: readonly Transaction[]
  built: BuiltBlock
  /** Escrow to factory: those that watched factories deployed up to this block on its branch. */
  escrows: ReadonlyMap<string, string>
  facts: readonly TrueFact[]
}

export type ChainTruth = { chainId: number; factories: ReadonlySet<string> }

export type NewBlock = {
  number: number
  parent: ModelBlock | undefined
  timestamp: number
  transactions: readonly Transaction[]
  salt: string
}

const NO_PARENT = `0x${'0'.repeat(64)}`

/** A block with its proofs, and the truth about its logs. */
export function makeBlock({ number, parent, timestamp, transactions, salt }: NewBlock, truth: ChainTruth): ModelBlock {
  const parentHash = parent?.hash ?? NO_PARENT
  const built = buildBlock({ number, parentHash, timestamp, transactions, salt })
  const logs = transactions.flatMap(({ hash, logs }) => logs.map(log => ({ hash, log })))
  const escrows = new Map(parent?.escrows)
  for (const { log } of logs) {
    if (log.meaning?.event_type === 'EscrowDeployed' && truth.factories.has(log.address))
      escrows.set(log.meaning.escrow_address, log.address)
  }
  const facts: TrueFact[] = []
  const block = { number, hash: built.header.hash, parent, timestamp, transactions, built, escrows, facts }
  for (const [log_index, { hash, log }] of logs.entries()) {
    const fact = trueFact(log, { block, log_index, transaction_hash: hash, truth })
    if (fact) facts.push(fact)
  }
  return block
}

function trueFact(
  { address, meaning }: TrueLog,
  place: { block: ModelBlock; log_index: number; transaction_hash: string; truth: ChainTruth }
): TrueFact | undefined {
  if (!meaning) return undefined
  const { block, log_index, transaction_hash, truth } = place
  const factory = meaning.event_type === 'EscrowDeployed' ? address : block.escrows.get(address)
  if (factory === undefined || !truth.factories.has(factory)) return undefined
  const { event_type, escrow_address } = meaning
  const log = { chain_id: truth.chainId, block_hash: block.hash, transaction_hash, log_index }
  const fact_id = factId(log)
  const body = {
    event_type,
    fact_id,
    schema_version: 1,
    ...log,
    block_number: block.number,
    block_timestamp: new Date(block.timestamp * 1000).toISOString().replace('.000Z', 'Z'),
    factory_address: factory,
    escrow_address,
    ...meaning.details
  }
  return { fact_id, event_type, escrow_address, block, log_index, transaction_hash, body }
}

/** The ancestor at a number, itself included; undefined where the branch doesn't reach so low. */
export function ancestorAt(block: ModelBlock, number: number): ModelBlock | undefined {
  let at: ModelBlock | undefined = block
  while (at && at.number > number) at = at.parent
  return at?.number === number ? at : undefined
}

export const isAncestor = (block: ModelBlock, of: ModelBlock): boolean => ancestorAt(of, block.number) === block

/** The highest block that both branches have. */
export function commonAncestor(a: ModelBlock, b: ModelBlock): ModelBlock {
  const low = Math.min(a.number, b.number)
  let [left, right] = [ancestorAt(a, low), ancestorAt(b, low)]
  while (left !== right) [left, right] = [left?.parent, right?.parent]
  if (!left) throw new Error('two branches of the model chain have no common root')
  return left
}
