import type { Range } from '../chain.ts'
import { parseBloom } from '../proof/bloom.ts'
import type { Relayer } from '../relay.ts'
import type { WatchSet } from '../watch.ts'

/** Headers that are looked at, spread over the range, and blocks whose receipts are measured. */
const SAMPLE = { headers: 50, receipts: 3 }

export type Estimate = {
  blocks: number
  sampled: number
  /** Of 1: blocks whose bloom doesn't exclude a watched event. */
  passing: number
  receipts_calls: number
  /** Null where no provider gave receipts to measure. */
  receipts_bytes: number | null
}

/** What proving by receipts will cost, from a sample. It counts what is watched now; escrows that are found later add to it. */
export function estimate(
  { providers, readerOf }: Relayer,
  { range, watch, signal }: { range: Range; watch: WatchSet; signal: AbortSignal }
): Promise<Estimate> {
  return providers.use(
    async provider => {
      const reader = await readerOf(provider)
      const headers = await Promise.all(spread(range, SAMPLE.headers).map(reader.header))
      const passing = headers.filter(({ logs_bloom }) => watch.mayHold(parseBloom(logs_bloom)))
      const sizes: number[] = []
      for (const { hash } of passing.slice(0, SAMPLE.receipts)) {
        const receipts = await provider.rpc('eth_getBlockReceipts', [hash]).catch(() => undefined)
        if (receipts) sizes.push(JSON.stringify(receipts).length)
      }
      const share = passing.length / headers.length
      const blocks = range.to - range.from + 1
      const calls = Math.round(share * blocks)
      const each = sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0) / sizes.length
      const bytes = each === null ? null : Math.round(calls * each)
      return {
        blocks,
        sampled: headers.length,
        passing: share,
        receipts_calls: calls,
        receipts_bytes: calls === 0 ? 0 : bytes
      }
    },
    { signal }
  )
}

/** At most `count` numbers, evenly spread over a range. */
export function spread({ from, to }: Range, count: number): number[] {
  const blocks = to - from + 1
  const taken = Math.min(count, blocks)
  return Array.from({ length: taken }, (_, index) => from + Math.floor(((index + 0.5) * blocks) / taken))
}
