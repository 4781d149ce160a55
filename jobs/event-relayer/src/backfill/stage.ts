import type { Block, BlockId, Range } from '../chain.ts'
import type { ReadLog } from '../decode/escrow.ts'
import { landmarks, type Part, reportFindings } from '../part.ts'
import { nextSize } from '../range.ts'
import type { Relayer } from '../relay.ts'
import type { Backfill, Deployment } from '../store/staging.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import { type Finals, readFinal } from './read-final.ts'

export type Work = Finals & { backfill: Backfill; factories: readonly string[] }

/** Reads and stages what is neither staged nor committed of a chunk. */
export async function stageChunk(
  relayer: Relayer,
  { chunk, onRange, ...work }: Work & { chunk: Range; onRange(last: number): void }
): Promise<void> {
  const { store, world } = relayer
  const { filter } = work.backfill
  const after = await reached(relayer, { chunk, work })
  if (after.number >= chunk.to) return
  const escrows = await store.staging.escrowsBelow(filter, after.number + 1)
  const watch = createWatchSet({ factories: work.factories, escrows })
  for await (const part of partsOf(relayer, { ...work, after, to: chunk.to, watch: () => watch })) {
    await world.at('range_read')
    const { range, headers, reads } = part
    const blocks = landmarks(headers, reads).map(blockOf)
    const staged = { from: range.from, to: range.to, parent_hash: part.after.hash, blocks, reads }
    await store.staging.stage(filter, staged, deploymentsIn(reads))
    onRange(range.to)
  }
}

/** Finds all deployments of the backfill's range, from where an earlier try left off, so that tasks know the escrows of chunks that aren't theirs. */
export async function scanDeployments(
  relayer: Relayer,
  { onRange, ...work }: Work & { onRange(last: number): void }
): Promise<void> {
  const { backfill, factories } = work
  const watch = () => createWatchSet({ factories }) // anew for each range: what escrows log isn't wanted here
  for await (const part of partsOf(relayer, { ...work, after: backfill.scanned, to: backfill.to, watch })) {
    await relayer.store.staging.scanned(backfill, { to: part.last, deployments: deploymentsIn(part.reads) })
    onRange(part.last.number)
  }
}

/** Verified ranges one after the other; findings are told as the live lane's are. */
async function* partsOf(
  relayer: Relayer,
  { after, to, watch, ...work }: Work & { after: BlockId; to: number; watch(): WatchSet }
): AsyncGenerator<Part> {
  const { maxBatchBytes: maxBytes, maxBlockRange: maxBlocks } = relayer
  let size = maxBlocks
  for (let position = after; position.number < to && !work.signal.aborted; ) {
    const from = position.number + 1
    const range = { from, to: Math.min(from + size - 1, to) }
    const part = await readFinal(relayer, { ...work, after: position, range, watch: watch() })
    reportFindings(relayer, part.findings)
    yield part
    position = part.last
    size = nextSize({ blocks: part.headers.length, bytes: part.bytes }, { maxBytes, maxBlocks })
  }
}

/** Where reading of a chunk goes on: after what is committed or staged of it. */
async function reached(relayer: Relayer, { chunk, work }: { chunk: Range; work: Work }): Promise<BlockId> {
  const { store } = relayer
  const checkpoint = await store.checkpoint()
  const committed = checkpoint && checkpoint.number >= chunk.from ? checkpoint : undefined
  if (committed && committed.number >= chunk.to) return committed
  const staged = await store.staging.reachedFrom(work.backfill.filter, {
    from: (committed?.number ?? chunk.from - 1) + 1,
    to: chunk.to
  })
  return staged ?? committed ?? parentOf(relayer, { from: chunk.from, signal: work.signal })
}

/** The block before a block. */
export function parentOf(
  { providers, readerOf }: Relayer,
  { from, signal }: { from: number; signal: AbortSignal }
): Promise<BlockId> {
  if (from === 0) return Promise.resolve({ number: -1, hash: `0x${'0'.repeat(64)}` })
  return providers.use(
    async provider => {
      const { number, hash } = await (await readerOf(provider)).header(from - 1)
      return { number, hash }
    },
    { signal }
  )
}

/** The first deployment of an escrow counts. */
function deploymentsIn(reads: readonly ReadLog[]): Deployment[] {
  const found = new Map<string, Deployment>()
  for (const read of reads) {
    if (read.reading !== 'published' || read.body.event_type !== 'EscrowDeployed') continue
    const { escrow_address: escrow, factory_address: factory, block_number } = read.body
    if (!found.has(escrow)) found.set(escrow, { escrow, factory, block_number })
  }
  return [...found.values()]
}

const blockOf = ({ number, hash, parent_hash, timestamp }: Block): Block => ({ number, hash, parent_hash, timestamp })
