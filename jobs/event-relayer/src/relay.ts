import { topicsOf } from '@fusion-prime/chain'
import { type Log, PermanentError } from '@fusion-prime/runtime'
import type { Block, BlockId, Chain, LogFilter, Range, RawLog } from './chain.ts'
import { type DecodeContext, type ReadLog, readLog } from './decode/escrow.ts'
import { assertLinked, orderedLogs, rangesAfter } from './range.ts'
import type { Store } from './store.ts'

export type Relayer = {
  chain: Chain
  store: Store
  /** Publishes what stands in the outbox, oldest first. */
  publish(): Promise<{ published: number; failed: number }>
  log: Log
  assetSymbol: string
  factories: readonly string[]
  /** First block to read; needed while there is no checkpoint. */
  startBlock: number | undefined
  maxBlockRange: number
  maxAddresses: number
}

export type Relayed = { head: number; facts: number; raised: number; published: number; unpublished: number }

/** One tick, the relayer's story: read what came after the checkpoint, make it durable with its messages, then publish. */
export async function relay(relayer: Relayer): Promise<Relayed> {
  const { chain, store, publish, log, maxBlockRange } = relayer
  const heads = await chain.heads()
  let checkpoint = (await store.checkpoint()) ?? (await startOf(relayer))
  const sent = await publish() // what a crash or an outage left behind
  let facts = 0
  for (const range of rangesAfter(checkpoint.number, { head: heads.latest.number, max: maxBlockRange })) {
    const blocks = await chain.blocks(range)
    assertLinked(checkpoint, blocks)
    const logs = await readRange(relayer, { range, blocks })
    const count = await store.commit({ blocks, logs }, { after: checkpoint, heads }) // blocks, logs, checkpoint, outbox: one transaction
    checkpoint = blocks.at(-1) ?? checkpoint
    facts += count
    report(log, { range, logs })
    sent.published += (await publish()).published
  }
  const raised = await store.raiseLevels(heads)
  const last = await publish()
  return {
    head: heads.latest.number,
    facts,
    raised,
    published: sent.published + last.published,
    unpublished: last.failed
  }
}

/** Without a checkpoint relaying starts after the block before START_BLOCK, never at the head: what came before would be lost. */
async function startOf({ chain, startBlock }: Relayer): Promise<BlockId> {
  if (startBlock === undefined) {
    throw new PermanentError(
      'START_BLOCK is missing: there is no checkpoint yet, so it must say which block to read first'
    )
  }
  return startBlock === 0 ? { number: -1, hash: `0x${'0'.repeat(64)}` } : chain.block(startBlock - 1)
}

/** The logs of the factories and of every escrow that they deployed, those deployed in this very range included. */
async function readRange(
  relayer: Relayer,
  { range, blocks }: { range: Range; blocks: readonly Block[] }
): Promise<ReadLog[]> {
  const { chain, store, maxAddresses, assetSymbol } = relayer
  const factories = new Set(relayer.factories)
  const escrows = await store.escrows()
  const byHash = new Map(blocks.map(block => [block.hash, block]))
  const context: DecodeContext = {
    chain_id: chain.chainId,
    asset_symbol: assetSymbol,
    blocks: byHash,
    factories,
    escrows
  }

  const known = [...factories, ...escrows.keys()]
  const byTopics = known.length > maxAddresses
  const filter: LogFilter = byTopics ? { topics: topicsOf() } : { addresses: known }
  const logs = orderedLogs(await chain.logs(range, filter), byHash)
  const born = deployments(logs, context)
  for (const [escrow, factory] of born) escrows.set(escrow, factory)
  if (!byTopics && born.size > 0)
    logs.push(...orderedLogs(await chain.logs(range, { addresses: [...born.keys()] }), byHash))
  const watched = (log: RawLog) => factories.has(log.address) || escrows.has(log.address)
  return orderedLogs(logs.filter(watched), byHash).map(log => readLog(log, context))
}

/** New escrows of a range, and their factories. */
function deployments(logs: readonly RawLog[], context: DecodeContext): Map<string, string> {
  const born = new Map<string, string>()
  for (const log of logs) {
    if (!context.factories.has(log.address)) continue
    const read = readLog(log, context)
    if (read.reading !== 'published' || read.body.event_type !== 'EscrowDeployed') continue
    if (!context.escrows.has(read.body.escrow_address)) born.set(read.body.escrow_address, log.address)
  }
  return born
}

function report(log: Log, { range, logs }: { range: Range; logs: readonly ReadLog[] }): void {
  if (logs.length === 0) return
  const published = logs.filter(read => read.reading === 'published')
  log.info({ from_block: range.from, to_block: range.to, logs: logs.length, facts: published.length }, 'range_relayed')
  for (const read of logs) {
    if (read.reading !== 'malformed') continue
    const { address, block_number, log_index } = read.log
    log.warn({ address, block_number, log_index, reason: read.detail }, 'log_malformed')
  }
}
