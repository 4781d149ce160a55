import type { Pool } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import type { BlockId, Range } from '../chain.ts'
import type { FinalityRule } from '../config.ts'
import { FIRST_SIZE, nextSize } from '../range.ts'
import type { WatchSet } from '../watch.ts'
import { createManifestAudit, type ManifestAudit } from './audit-manifests.ts'
import { compareRange, type OnChain } from './compare.ts'
import { watchBelow } from './create-reading.ts'
import type { Difference } from './difference.ts'
import { compareOutbox, type Expected, expectedOf, loadMessages, manifestExpected } from './outbox.ts'
import { type ChainReading, readChain } from './read-chain.ts'
import { retentionOf } from './retention.ts'
import { createCovers, loadScope, rangeWithin, type Scope } from './scope.ts'
import type { Source } from './source.ts'
import { loadStored, type Stored, snapshot } from './stored.ts'
import { endingAbove, endingBelow } from './stored-manifests.ts'
import { strayMessages } from './stray.ts'

export type Verifying = ChainReading & {
  sql: Pool
  source: Source
  log: Log
  /** As configured, in lower-case hex. */
  factories: readonly string[]
  finality: FinalityRule
  maxBlockRange: number
  maxBatchBytes: number
  retentionHours: number
}

export type Verified = Range & {
  facts: number
  raw_logs: number
  manifests: number
  /** Manifests that reach beyond the range, or that a lane will change. */
  manifests_skipped: number
  differences: number
  /** Reads by provider. */
  read_through: Record<string, number>
}

/** Whom it tells: each difference, and how many blocks are done. */
export type Witness = { found(difference: Difference): void; progress(blocks: number, range: Range): void }

/**
 * Compares what is stored of a range, and what was said of it, with the chain. It writes nothing and takes no lease, so a relayer may go on
 * meanwhile. Throws a PermanentError for blocks that weren't relayed, NoProvider where the chain can't be read.
 */
export async function verify(deps: Verifying, asked: Partial<Range>, witness: Witness): Promise<Verified> {
  const { sql, chainId, source } = deps
  const scope = await loadScope(sql, chainId)
  const range = rangeWithin(scope, asked)
  const { from, to } = range
  const watch = await watchBelow(sql, { scope, factories: deps.factories, chainId, block: from })
  const audit = createManifestAudit({
    from,
    firstBlock: scope.checkpoint.first_block,
    before: await endingBelow(sql, { chainId, block: from }),
    mayChangeFrom: scope.lanes?.from
  })
  const total: Verified = {
    from,
    to,
    facts: 0,
    raw_logs: 0,
    manifests: 0,
    manifests_skipped: 0,
    differences: 0,
    read_through: {}
  }
  const tell = (differences: readonly Difference[]) => {
    total.differences += differences.length
    for (const difference of differences) witness.found(difference)
  }

  const finalized = await source.finalized(deps.finality)
  let parent: BlockId | undefined
  let size = Math.min(FIRST_SIZE, deps.maxBlockRange)
  for (let next = from; next <= to; ) {
    const part = { from: next, to: Math.min(next + size - 1, to) }
    const look = await lookTwice(deps, { scope, watch, audit, range: part, parent, finalized })
    tell(look.differences)
    total.facts += look.facts
    total.raw_logs += look.raw_logs
    parent = look.last
    next = part.to + 1
    size = nextSize(
      { blocks: part.to - part.from + 1, bytes: look.bytes },
      { maxBytes: deps.maxBatchBytes, maxBlocks: deps.maxBlockRange }
    )
    witness.progress(next - from, range)
  }
  const { checkpoint } = await loadScope(sql, chainId)
  const upTo = Math.min(to, scope.checkpoint.finalized_number ?? -1, checkpoint.finalized_number ?? -1)
  tell(audit.end({ next: await endingAbove(sql, { chainId, block: to }), upTo }))
  tell(await strayMessages(sql, { chainId, ...range }))
  const { compared, skipped } = audit.counts()
  return { ...total, manifests: compared, manifests_skipped: skipped, read_through: source.used() }
}

type Place = {
  scope: Scope
  watch: WatchSet
  audit: ManifestAudit
  range: Range
  parent: BlockId | undefined
  finalized: number
}
type Look = { differences: Difference[]; facts: number; raw_logs: number; bytes: number; last: BlockId }

/** What differs may have been written, or reorganised, between the two readings; what differs again is wrong. */
async function lookTwice(deps: Verifying, place: Place): Promise<Look> {
  const first = await look(deps, place)
  if (first.differences.length === 0) return first.keep()
  for (const escrow of first.chain.born.keys()) place.watch.remove(escrow)
  const again = await look(deps, { ...place, finalized: await deps.source.finalized(deps.finality) })
  return again.keep()
}

/** Compares a range once; `keep` makes it the base of what follows. */
async function look(deps: Verifying, { scope, watch, audit, range, parent, finalized }: Place) {
  const { sql, chainId } = deps
  const { verified, reads } = await readChain(deps, { range, parent, watch, pinFrom: finalized + 1 })
  const chain: OnChain = {
    ...verified,
    reads,
    finalized,
    covers: createCovers(scope, watch),
    unknownToo: 'addresses' in watch.filter(deps.maxAddresses)
  }
  const { stored, said } = await snapshot(sql, async tx => {
    const stored = await loadStored(tx, { chainId, range })
    const retention = await retentionOf(tx, { chainId, manifests: stored.manifests, hours: deps.retentionHours })
    const expected: Expected[] = [
      ...(await expectedOf(tx, { chainId, facts: factsOf(stored, chain), retention })),
      ...stored.manifests.map(manifest =>
        manifestExpected(manifest, { chainId, required: retention.isYoung(manifest.age_seconds) })
      )
    ]
    return { stored, said: compareOutbox(await loadMessages(tx, expected), expected) }
  })
  const differences = [...compareRange(stored, chain), ...said]
  const published = reads.filter(
    ({ reading, log }) => reading === 'published' && chain.covers({ ...log, topic0: log.topics[0] ?? '' })
  )

  function keep(): Look {
    const { headers, bytes, logs } = verified
    const last = headers.at(-1)
    if (!last) throw new Error(`no blocks were read for ${range.from} to ${range.to}`)
    const facts = published.map(({ fact_id, log }) => ({ fact_id, block_number: log.block_number }))
    differences.push(...audit.add({ headers, facts, manifests: stored.manifests }))
    return { differences, facts: facts.length, raw_logs: logs.length, bytes, last }
  }
  return { differences, chain, keep }
}

/** Stored facts with the bodies that the chain gives them: what was said of them must be made of those. */
function factsOf({ facts }: Stored, { reads }: OnChain) {
  const bodies = new Map(reads.flatMap(read => (read.reading === 'published' ? [[read.fact_id, read.body]] : [])))
  return facts.flatMap(fact => {
    const body = bodies.get(fact.fact_id)
    return body ? [{ ...fact, body }] : []
  })
}
