import type { BlockId, Range } from '../chain.ts'
import type { OmissionCheck } from '../config.ts'
import { type ReadLog, readLog } from '../decode/escrow.ts'
import { ChainMoved } from '../read/chain-moved.ts'
import { readRange, type VerifiedRange } from '../read/read-range.ts'
import type { WatchSet } from '../watch.ts'
import type { Source } from './source.ts'

/** A chain, and what its blocks are read with. */
export type ChainReading = {
  source: Pick<Source, 'read'>
  chainId: number
  assetSymbol: string
  check: OmissionCheck
  maxAddresses: number
}

/** Reorgs while a range is read, before it counts as unreadable. */
const MOVES = 5

/**
 * Reads some blocks as a relayer does, proven, and what their logs say; escrows that are born in them join the watch set. `parent` is the
 * block before them, asked for where it isn't known. Throws NoProvider where the chain can't be read, ChainMoved where it doesn't hold still.
 */
export async function readChain(
  { source, chainId, assetSymbol, check, maxAddresses }: ChainReading,
  {
    range,
    parent: known,
    watch,
    pinFrom
  }: { range: Range; parent: BlockId | undefined; watch: WatchSet; pinFrom: number }
): Promise<{ verified: VerifiedRange; reads: ReadLog[] }> {
  let parent = known
  for (let moves = 0; ; moves++) {
    try {
      const verified = await source.read(async readers => {
        parent ??= await blockBefore(range.from, readers[0])
        return readRange({ readers, range, parent, watch, check, pinFrom, maxAddresses })
      })
      for (const [escrow, factory] of verified.born) watch.add(escrow, factory)
      const context = {
        chain_id: chainId,
        asset_symbol: assetSymbol,
        blocks: new Map(verified.headers.map(header => [header.hash, header])),
        factories: watch.factories,
        escrows: watch.escrows
      }
      return { verified, reads: verified.logs.map(log => readLog(log, context)) }
    } catch (error) {
      if (!(error instanceof ChainMoved) || moves === MOVES) throw error
      parent = undefined
    }
  }
}

async function blockBefore(from: number, reader: { header(number: number): Promise<BlockId> }): Promise<BlockId> {
  return from === 0 ? { number: -1, hash: `0x${'0'.repeat(64)}` } : reader.header(from - 1)
}
