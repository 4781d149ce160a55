import type { BlockId, Heads } from './chain.ts'
import type { FinalityRule } from './config.ts'
import { WrongAnswer } from './providers/pool.ts'
import { RpcFault } from './providers/rpc.ts'
import type { Reader } from './read/reader.ts'

/** Other providers that are asked about a finalized block. */
const ASKED = 2
/** A provider this many blocks behind says nothing about what is final now. */
const STALE_BLOCKS = 64

export type Agreed = Heads & {
  /** The provider's own finalized block, whatever the others say. */
  own_finalized: BlockId | undefined
  /** A provider that has another finalized block: nothing becomes final while they disagree. */
  disagrees: { provider: string; number: number; hash: string; theirs: string } | undefined
}

/**
 * The heads of one provider, with a finalized block on which the others that answer agree: the lowest of theirs, with one hash.
 * Where no other answers, one provider's word counts.
 */
export async function agreedHeads(
  { reader, others, tags = 'checked' }: { reader: Reader; others: readonly Reader[]; tags?: 'checked' | 'believed' },
  finality: FinalityRule
): Promise<Agreed> {
  const heads = await reader.heads(finality)
  const [safe, tagged] = await Promise.all(
    [heads.safe, heads.finalized].map(tag => (tags === 'checked' ? onChain(reader, tag) : tag))
  )
  let finalized = tagged
  for (const other of others.slice(0, ASKED)) {
    if (!finalized) break
    const theirs = await answered(other.heads(finality))
    if (!theirs?.finalized || theirs.latest.number < heads.latest.number - STALE_BLOCKS) continue
    const lower: BlockId = theirs.finalized.number < finalized.number ? theirs.finalized : finalized
    const higher = lower === finalized ? other : reader
    const same = await answered(higher.header(lower.number))
    if (!same) continue
    if (same.hash !== lower.hash) {
      const disagrees = { provider: other.id, number: lower.number, hash: lower.hash, theirs: same.hash }
      return { ...heads, safe, finalized: undefined, own_finalized: tagged, disagrees }
    }
    finalized = lower
  }
  return { ...heads, safe, finalized, own_finalized: tagged, disagrees: undefined }
}

/** A tag may name a block that isn't the one at its height in the provider's own chain (backends differ): then it says nothing. */
async function onChain(reader: Reader, tag: BlockId | undefined): Promise<BlockId | undefined> {
  return tag && (await reader.header(tag.number)).hash === tag.hash ? tag : undefined
}

/** Undefined where a provider fails to answer; that is recorded where it was called. */
export async function answered<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof RpcFault || error instanceof WrongAnswer) return undefined
    throw error
  }
}
