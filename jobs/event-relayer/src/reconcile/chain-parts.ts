import { escrowEvents, eventId } from '@fusion-prime/events'
import { contentDigest, createRangeDigests, type RangeDigests } from '@fusion-prime/operations'
import type { BlockId, Header, Range } from '../chain.ts'
import type { OmissionCheck } from '../config.ts'
import { type FactBody, readLog } from '../decode/escrow.ts'
import { FIRST_SIZE, nextSize } from '../range.ts'
import { ChainMoved } from '../read/chain-moved.ts'
import { readRange } from '../read/read-range.ts'
import type { Covers } from '../verify/scope.ts'
import type { Source } from '../verify/source.ts'
import type { WatchSet } from '../watch.ts'

/** A fact as the chain has it; `event_id` is that of the message that says it to be final. */
export type ChainFact = {
  fact_id: string
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
export function digestsOf(facts: readonly Pick<ChainFact, 'fact_id' | 'content_digest'>[]): RangeDigests {
  const digests = createRangeDigests()
  for (const fact of facts.toSorted((a, b) => (a.fact_id < b.fact_id ? -1 : 1))) digests.add(fact)
  return digests.end()
}

export type ChainReading = {
  source: Pick<Source, 'read'>
  chainId: number
  assetSymbol: string
  check: OmissionCheck
  maxBlockRange: number
  maxAddresses: number
  maxBatchBytes: number
}

/** Reorgs above the finalized block while a part is read, before it counts as unreadable. */
const MOVES = 5

/** Reads final blocks as a relayer does, proven part by part. The watch set has to hold what was deployed before. */
export async function* readParts(
  deps: ChainReading,
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

async function readPart(deps: ChainReading, { range, parent, watch, covers }: Place) {
  const { chainId: chain_id, assetSymbol: asset_symbol } = deps
  const { headers, logs, born, bytes } = await readSteadily(deps, { range, parent, watch })
  for (const [escrow, factory] of born) watch.add(escrow, factory)
  const blocks = new Map(headers.map(header => [header.hash, header]))
  const context = { chain_id, asset_symbol, blocks, factories: watch.factories, escrows: watch.escrows }
  const facts = logs.flatMap((log): ChainFact[] => {
    const read = readLog(log, context)
    if (read.reading !== 'published' || !covers({ ...log, topic0: log.topics[0] ?? '' })) return []
    const { fact_id, body } = read
    const event_id = eventId({ ...body, finality: 'finalized', incarnation: 1 })
    return [
      { fact_id, event_id, block_number: log.block_number, content_digest: contentDigest(escrowEvents, body), body }
    ]
  })
  return { headers, facts, bytes }
}

async function readSteadily({ source, check, maxAddresses }: ChainReading, place: Omit<Place, 'covers'>) {
  let { parent } = place
  for (let moves = 0; ; moves++) {
    try {
      return await source.read(async readers => {
        parent ??= await blockBefore(place.range.from, readers[0])
        return readRange({ ...place, readers, parent, check, pinFrom: place.range.to + 1, maxAddresses })
      })
    } catch (error) {
      if (!(error instanceof ChainMoved) || moves === MOVES) throw error
      parent = undefined
    }
  }
}

const blockBefore = async (from: number, reader: { header(number: number): Promise<BlockId> }): Promise<BlockId> =>
  from === 0 ? { number: -1, hash: `0x${'0'.repeat(64)}` } : reader.header(from - 1)
