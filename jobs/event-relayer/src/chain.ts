import type { Finality } from '@fusion-prime/events'

/** A block's header, as far as the relayer needs it. Hashes are lower-case hex, the timestamp Unix seconds. */
export type Block = { number: number; hash: string; parent_hash: string; timestamp: number }

/** A log as the chain gave it, in lower-case hex. */
export type RawLog = {
  block_number: number
  block_hash: string
  transaction_hash: string
  log_index: number
  address: `0x${string}`
  topics: `0x${string}`[]
  data: `0x${string}`
}

/** Inclusive at both ends. */
export type Range = { from: number; to: number }

/** A block number and the hash that makes it that block and no other. */
export type BlockId = Pick<Block, 'number' | 'hash'>

/** The heads of a chain as one provider gives them at one moment. */
export type Heads = { latest: Block; safe: BlockId | undefined; finalized: BlockId | undefined }

/** What the relayer asks of a chain. Every answer comes from one provider, and nothing above that provider's head is asked for. */
export type Chain = {
  chainId: number
  heads(): Promise<Heads>
  blocks(range: Range): Promise<Block[]>
  logs(range: Range, filter: LogFilter): Promise<RawLog[]>
  block(number: number): Promise<Block>
  /** Throws a PermanentError when the chain is another one, or a factory has no code. */
  check(factories: readonly string[]): Promise<void>
}

/** Logs of these addresses, or of any address with one of the topics. */
export type LogFilter = { addresses: readonly string[] } | { topics: readonly string[] }

export type Level = Exclude<Finality, 'reverted'>

/** The level that a block has reached below these heads. */
export function levelOf(number: number, { safe, finalized }: Pick<Heads, 'safe' | 'finalized'>): Level {
  if (finalized && number <= finalized.number) return 'finalized'
  return safe && number <= safe.number ? 'safe' : 'seen'
}
