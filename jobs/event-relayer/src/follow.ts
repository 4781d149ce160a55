import type { Log } from '@fusion-prime/runtime'
import type { Block, BlockId, Header, Heads } from './chain.ts'
import type { FinalityRule, OmissionCheck } from './config.ts'
import { type ReadLog, readLog } from './decode/escrow.ts'
import { type Agreed, agreedHeads, answered } from './finality.ts'
import { findFork } from './fork.ts'
import type { RelayerMetrics } from './metrics.ts'
import type { Providers } from './providers/pool.ts'
import { type LeveledRange, nextRange, nextSize } from './range.ts'
import { readRange, type VerifiedRange } from './read/read-range.ts'
import type { Reader } from './read/reader.ts'
import type { Checkpoint } from './store/checkpoint.ts'
import type { Halt } from './store/halts.ts'
import type { Lease } from './store/lease.ts'
import type { Store } from './store/store.ts'
import type { WatchSet } from './watch.ts'
import type { World } from './world.ts'

/** What following needs, besides the provider: settings, state, and whom to tell. */
export type FollowDeps = {
  store: Store
  world: World
  providers: Pick<Providers, 'sawHead' | 'blame'>
  log: Log
  metrics: RelayerMetrics
  chainId: number
  assetSymbol: string
  /** As configured, in lower-case hex; the live lane watches those whose history is in. */
  factories: readonly string[]
  startBlock: number | undefined
  finality: FinalityRule
  check: OmissionCheck
  reorgWindow: number
  maxBlockRange: number
  maxAddresses: number
  maxBatchBytes: number
  /** The addresses that are watched; held between ticks while nobody else has written. */
  watchSet(lease: Lease): Promise<WatchSet>
  /** Has the watched addresses read anew: others than these were written. */
  rewatch(): void
  /** Publishes a part of what waits, so that a long catching up isn't silent. */
  publishSome(): Promise<void>
}

export type Followed =
  | { kind: 'followed'; heads: Agreed; position: BlockId; facts: number; reverted: number; raised: number }
  /** The provider's head is below the checkpoint, or it stands on a branch that another provider doesn't share. */
  | { kind: 'behind' | 'elsewhere' }
  | { kind: 'halted'; halt: Halt }

/** Reads, verifies and commits what one provider has after the checkpoint, then raises what has become safe or final. */
export async function follow(
  deps: FollowDeps,
  {
    lease,
    reader,
    others,
    start,
    signal
  }: { lease: Lease; reader: Reader; others: readonly Reader[]; start: Checkpoint; signal: AbortSignal | undefined }
): Promise<Followed> {
  const { store, log, metrics } = deps
  const heads = await agreedHeads({ reader, others }, deps.finality)
  deps.providers.sawHead(reader.id, heads.latest.number)
  if (heads.disagrees) log.error({ followed: reader.id, ...heads.disagrees }, 'finalized_blocks_disagree')
  metrics.finalityDisagrees.set(heads.disagrees ? 1 : 0)
  if (heads.latest.number < start.number) return { kind: 'behind' }

  let position: BlockId = start
  let reverted = 0
  const fork = await findFork({ store, reader }, start, deps.reorgWindow)
  if (fork.kind !== 'linked') {
    if (await sharedByAnother(others, { start, head: heads.latest.number })) return { kind: 'elsewhere' }
    if (fork.kind === 'too_deep') return halt(deps, { lease, reader, others, halt: fork.halt })
    reverted = await store.revert(lease, { from: start, to: fork.to })
    metrics.reorgDepth.observe(start.number - fork.to.number)
    const depth = start.number - fork.to.number
    log.warn({ from_block: fork.to.number + 1, depth, reverted, stored_hash: start.hash }, 'chain_reorganised')
    position = fork.to
  }
  const caughtUp = await readOn(deps, { lease, reader, others, heads, position, signal })
  const raised = caughtUp.raised + (await raiseByTags(deps, { lease, heads, position: caughtUp.position }))
  return { kind: 'followed', heads, position: caughtUp.position, facts: caughtUp.facts, reverted, raised }
}

/** A branch that another provider with as high a head still has isn't given up for one provider's word. */
async function sharedByAnother(
  others: readonly Reader[],
  { start, head }: { start: BlockId; head: number }
): Promise<boolean> {
  for (const other of others) {
    const theirs = await answered(other.heads({ by: 'depth', safe: 0, finalized: 0 }))
    if (!theirs || theirs.latest.number < Math.max(head - 2, start.number)) continue
    const block = theirs.latest.number === start.number ? theirs.latest : await answered(other.header(start.number))
    if (block?.hash === start.hash) return true
  }
  return false
}

async function halt(
  deps: FollowDeps,
  { lease, reader, others, halt }: { lease: Lease; reader: Reader; others: readonly Reader[]; halt: Halt }
): Promise<Followed> {
  for (const other of others) {
    const block = await answered(other.header(halt.block_number))
    if (block?.hash !== halt.stored_hash) continue
    deps.providers.blame(reader.id, 'finality_disagrees')
    return { kind: 'elsewhere' }
  }
  // A node that was caught in the middle of its own reorg answers otherwise when asked again.
  if ((await reader.header(halt.block_number)).hash === halt.stored_hash) return { kind: 'elsewhere' }
  await deps.store.stop(lease, halt)
  return { kind: 'halted', halt }
}

type Place = {
  lease: Lease
  reader: Reader
  others: readonly Reader[]
  heads: Agreed
  position: BlockId
  signal: AbortSignal | undefined
}

/** Range after range up to the head: the next one is read while the one before is written. */
async function readOn(
  deps: FollowDeps,
  { lease, reader, others, heads, position, signal }: Place
): Promise<{ position: BlockId; facts: number; raised: number }> {
  const watch = await deps.watchSet(lease)
  const total = { position, facts: 0, raised: 0 }
  let size = deps.maxBlockRange
  const begin = (after: BlockId): Promise<Part> | undefined => {
    const range = signal?.aborted ? undefined : nextRange(after.number, { heads, size })
    if (!range) return undefined
    const part = readPart(deps, { reader, others, heads, after, range, watch })
    part.catch(() => undefined) // awaited below, maybe after a write that fails first
    return part
  }
  for (let reading = begin(position); reading; ) {
    const part = await reading
    await deps.world.at('range_read')
    const { maxBatchBytes: maxBytes, maxBlockRange: maxBlocks } = deps
    size = nextSize({ blocks: part.headers.length, bytes: part.bytes }, { maxBytes, maxBlocks })
    reading = begin(part.last)
    const raised = await writePart(deps, { lease, part })
    total.position = part.last
    total.facts += raised.facts
    total.raised += raised.raised
    await deps.publishSome()
  }
  return total
}

export type Part = VerifiedRange & { range: LeveledRange; after: BlockId; last: Header; reads: ReadLog[] }

export async function readPart(
  deps: FollowDeps,
  {
    reader,
    others,
    heads,
    after,
    range,
    watch
  }: Omit<Place, 'lease' | 'position' | 'signal'> & { after: BlockId; range: LeveledRange; watch: WatchSet }
): Promise<Part> {
  const { chainId, assetSymbol, maxAddresses, reorgWindow } = deps
  const verified = await readRange({
    readers: [reader, ...others],
    range,
    parent: after,
    watch,
    check: deps.world.without.has('omission_check') ? 'off' : deps.check,
    pinFrom: (heads.finalized?.number ?? heads.latest.number - reorgWindow) + 1,
    maxAddresses
  })
  const { headers, logs, born } = verified
  const last = headers.at(-1)
  if (!last) throw new Error(`provider ${reader.id} gave no blocks for ${range.from} to ${range.to}`)
  for (const [escrow, factory] of born) watch.add(escrow, factory)
  const blocks = new Map(headers.map(header => [header.hash, header]))
  const context = {
    chain_id: chainId,
    asset_symbol: assetSymbol,
    blocks,
    factories: watch.factories,
    escrows: watch.escrows
  }
  const level = await confirmedLevel({ range, last, heads, others })
  return { ...verified, range: { ...range, level }, after, last, reads: logs.map(log => readLog(log, context)) }
}

/** A range below the finalized block begins as final only if another provider, where one answers, has the same block at its end. */
async function confirmedLevel({
  range,
  last,
  heads,
  others
}: {
  range: LeveledRange
  last: Header
  heads: Agreed
  others: readonly Reader[]
}): Promise<LeveledRange['level']> {
  const tag = range.level === 'finalized' ? heads.finalized : heads.safe
  if (range.level === 'seen' || (tag?.number === last.number && tag.hash !== last.hash)) return 'seen'
  if (range.level === 'safe' || tag?.number === last.number) return range.level
  for (const other of others) {
    const block = await answered(other.header(last.number))
    if (block) return block.hash === last.hash ? 'finalized' : 'seen'
  }
  return 'finalized'
}

/** What is written of a range, and told of it; of its headers only the blocks. */
type WrittenPart = Omit<Part, 'headers' | 'last' | 'logs' | 'born'> & { headers: readonly Block[]; last: Block }

export async function writePart(
  deps: FollowDeps,
  { lease, part }: { lease: Lease; part: WrittenPart }
): Promise<{ facts: number; raised: number }> {
  const { store } = deps
  const { range, headers, last, after, reads } = part
  const { level } = range
  const blocks = level === 'finalized' ? landmarks(headers, reads) : headers
  const committed = await store.commit(lease, { after, last, blocks, logs: reads, level })
  report(deps, { part, facts: committed.facts, malformed: committed.malformed })
  if (level === 'seen') return { facts: committed.facts, raised: 0 }
  const raised = await store.raise(lease, { level, upTo: last.number })
  if (level === 'finalized') await store.state(lease, last)
  return { facts: committed.facts, raised }
}

/** Below the finalized block only the ends of a range and blocks with logs are kept: no fork can begin between them. */
export function landmarks<Kept extends Block>(headers: readonly Kept[], reads: readonly ReadLog[]): Kept[] {
  const withLogs = new Set(reads.map(({ log }) => log.block_hash))
  return headers.filter(({ hash }, index) => index === 0 || index === headers.length - 1 || withLogs.has(hash))
}

/** A level is raised only where the stored block at the tagged height is the tagged one; the stored chain was linked before. */
async function raiseByTags(
  { store, log, world }: FollowDeps,
  { lease, heads, position }: { lease: Lease; heads: Heads; position: BlockId }
): Promise<number> {
  let raised = 0
  for (const level of ['finalized', 'safe'] as const) {
    const tag = heads[level]
    if (!tag || tag.number > position.number) continue
    const stored = await store.block(tag.number)
    if (stored?.hash !== tag.hash && !world.without.has('raise_by_hash')) {
      // Below the finalized block gaps are usual; a tag that goes back to one of them raises nothing.
      if (stored)
        log.warn({ level, block_number: tag.number, tag_hash: tag.hash, stored_hash: stored.hash }, 'tag_refused')
      continue
    }
    raised += await store.raise(lease, { level, upTo: tag.number })
    if (level === 'finalized' && stored) await store.state(lease, stored)
  }
  return raised
}

export function report(
  { log, metrics, providers }: FollowDeps,
  { part, facts, malformed }: { part: WrittenPart; facts: number; malformed: readonly ReadLog[] }
): void {
  const { range, reads, findings, bytes } = part
  for (const finding of findings) {
    providers.blame(finding.provider, finding.kind)
    metrics.omissions.inc({ kind: finding.kind, provider: finding.provider })
    log.error(finding, 'wrong_answer_caught')
  }
  for (const read of reads) if (read.reading !== 'published') metrics.unpublishedLogs.inc({ reading: read.reading })
  metrics.facts.inc(facts)
  metrics.blocks.inc(range.to - range.from + 1)
  if (reads.length > 0)
    log.info(
      { from_block: range.from, to_block: range.to, level: range.level, logs: reads.length, facts, bytes },
      'range_relayed'
    )
  for (const read of malformed) {
    if (read.reading !== 'malformed') continue
    const { address, topics, block_number, log_index } = read.log
    log.warn({ address, topic0: topics[0] ?? null, block_number, log_index, reason: read.detail }, 'log_malformed')
  }
}
