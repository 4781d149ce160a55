import type { Finality } from '@fusion-prime/events'

/** A block number and the hash that makes it that block and no other. Hashes are lower-case hex. */
export type BlockId = { number: number; hash: string }

/** The parent of block 0. */
export const BEFORE_GENESIS: BlockId = { number: -1, hash: `0x${'0'.repeat(64)}` }

/** A block as the relayer stores it. The timestamp is Unix seconds. */
export type Block = BlockId & { parent_hash: string; timestamp: number }

/** A header whose hash was recomputed from its fields, where the chain's format is known; so its bloom and root can be believed as far as its hash can. */
export type Header = Block & { logs_bloom: string; receipts_root: string }

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

/** The heads of a chain as one provider gives them at one moment; a young chain has no safe or finalized block. */
export type Heads = { latest: Header; safe: BlockId | undefined; finalized: BlockId | undefined }

/** Logs of these addresses, or of any address with one of the topics as its first. */
export type LogFilter = { addresses: readonly string[] } | { topics: readonly string[] }

export type Level = Exclude<Finality, 'reverted'>

/** Levels with the last block that has reached each, highest level first. */
export function levels({ latest, safe, finalized }: Heads): { level: Level; upTo: number }[] {
  return [
    { level: 'finalized', upTo: finalized?.number ?? -1 },
    { level: 'safe', upTo: safe?.number ?? -1 },
    { level: 'seen', upTo: latest.number }
  ]
}
