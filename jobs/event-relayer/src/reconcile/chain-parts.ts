import { escrowEvents, eventId } from '@fusion-prime/events'
import { contentDigest, createRangeDigests, type RangeDigests } from '@fusion-prime/operations'
import type { BlockId, Header, Range } from '../chain.ts'
import type { FactBody } from '../decode/escrow.ts'
import { FIRST_SIZE, nextSize } from '../range.ts'
import { type ChainReading, readChain } from '../verify/read-chain.ts'
import type { Covers } from '../verify/scope.ts'
import type { WatchSet } from '../watch.ts'

/** A fact as the chain has it; `event_id` is that of the message that says it to be final, `incarnation` what its number says. */
export type ChainFact = {
  fact_id: string
  incarnation: number
  event_id: string
  block_number: number
  content_digest: string
  body: FactBody
}

/** Some final blocks and their facts, in chain order. */
export type ChainPart = Range & {
  headers: readonly Pick<Header, 'number' | 'hash'>[]
  facts: readonly ChainFact[]
  digests: RangeDigests
}

/** What a service that holds exactly these facts answers. */
export function digestsOf(facts: readonly Pick<ChainFact, 'fact_id' | 'event_id' | 'content_digest'>[]): RangeDigests {
  const digests = createRangeDigests()
  for (const fact of facts.toSorted((a, b) => (a.fact_id < b.fact_id ? -1 : 1))) digests.add(fact)
  return digests.end()
}

type Parts = ChainReading & {
  maxBlockRange: number
  maxBatchBytes: number
  /** By fact, the incarnation that its newest `finalized` message says, where that isn't the first. */
  incarnations(range: Range): Promise<ReadonlyMap<string, number>>
}

/** Reads final blocks as a relayer does, proven part by part. The watch set has to hold what was deployed before. */
export async function* readParts(
  deps: Parts,
  { range: { from, to }, watch, covers }: { range: Range; watch: WatchSet; covers: Covers }
): AsyncGenerator<ChainPart> {
  let parent: BlockId | undefined
  let size = Math.min(FIRST_SIZE, deps.maxBlockRange)
  for (let next = from; next <= to; ) {
    const range = { from: next, to: Math.min(next + size - 1, to) }
    const { headers, facts, bytes } = await readPart(deps, { range, parent, watch, covers })
    parent = headers.at(-1)
    next = range.to + 1
    const limits = { maxBytes: deps.maxBatchBytes, maxBlocks: deps.maxBlockRange }
    size = nextSize({ blocks: range.to - range.from + 1, bytes }, limits)
    yield { ...range, headers, facts, digests: digestsOf(facts) }
  }
}

type Place = { range: Range; parent: BlockId | undefined; watch: WatchSet; covers: Covers }

async function readPart(deps: Parts, { range, parent, watch, covers }: Place) {
  const { verified, reads } = await readChain(deps, { range, parent, watch, pinFrom: range.to + 1 })
  const incarnations = await deps.incarnations(range)
  const facts = reads.flatMap((read): ChainFact[] => {
    const { log } = read
    if (read.reading !== 'published' || !covers({ ...log, topic0: log.topics[0] ?? '' })) return []
    const { fact_id, body } = read
    const incarnation = incarnations.get(fact_id) ?? 1
    const event_id = eventId({ ...body, finality: 'finalized', incarnation })
    const content_digest = contentDigest(escrowEvents, body)
    return [{ fact_id, incarnation, event_id, block_number: log.block_number, content_digest, body }]
  })
  return { headers: verified.headers, bytes: verified.bytes, facts }
}
