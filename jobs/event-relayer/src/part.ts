import type { Block, BlockId, Header } from './chain.ts'
import { type ReadLog, readLog } from './decode/escrow.ts'
import type { FollowDeps } from './deps.ts'
import { type Agreed, answered } from './finality.ts'
import type { LeveledRange } from './range.ts'
import type { Finding } from './read/finding.ts'
import { readRange, type VerifiedRange } from './read/read-range.ts'
import type { Reader } from './read/reader.ts'
import type { NewFact } from './store/facts.ts'
import type { Lease } from './store/lease.ts'
import { prepareFacts } from './store/messages.ts'
import type { WatchSet } from './watch.ts'

/** A verified range and how its logs were read; all its facts have reached the range's level. */
export type Part = VerifiedRange & { range: LeveledRange; after: BlockId; last: Header; reads: ReadLog[] }

/** A part whose facts are ready to be written: that is made while the part before is being written. */
export type ReadyPart = Part & { facts: NewFact[] }

export async function readyPart(deps: FollowDeps, options: ReadOptions): Promise<ReadyPart> {
  const part = await readPart(deps, options)
  return { ...part, facts: prepareFacts(part.reads, part.range.level) }
}

type ReadOptions = {
  reader: Reader
  others: readonly Reader[]
  heads: Agreed
  after: BlockId
  range: LeveledRange
  watch: WatchSet
}

export async function readPart(
  deps: FollowDeps,
  { reader, others, heads, after, range, watch }: ReadOptions
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
type WrittenPart = Omit<ReadyPart, 'headers' | 'last' | 'logs' | 'born'> & { headers: readonly Block[]; last: Block }

export async function writePart(
  deps: FollowDeps,
  { lease, part }: { lease: Lease; part: WrittenPart }
): Promise<{ facts: number; raised: number }> {
  const { store } = deps
  const { range, headers, last, after, reads, facts } = part
  const { level } = range
  const blocks = level === 'finalized' ? landmarks(headers, reads) : headers
  const committed = await store.commit(lease, { after, last, blocks, logs: reads, facts, level })
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

export function report(
  deps: FollowDeps,
  { part, facts, malformed }: { part: Omit<WrittenPart, 'facts'>; facts: number; malformed: readonly ReadLog[] }
): void {
  const { log, metrics } = deps
  const { range, reads, findings, bytes } = part
  reportFindings(deps, findings)
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

export function reportFindings({ log, metrics, providers }: FollowDeps, findings: readonly Finding[]): void {
  for (const finding of findings) {
    providers.blame(finding.provider, finding.kind)
    metrics.omissions.inc({ kind: finding.kind, provider: finding.provider })
    log.error(finding, 'wrong_answer_caught')
  }
}
