import type { BlockId, Range } from '../chain.ts'
import type { Agreed } from '../finality.ts'
import { type Part, readPart } from '../part.ts'
import { RpcFault } from '../providers/rpc.ts'
import { type Relayer, usable } from '../relay.ts'
import type { WatchSet } from '../watch.ts'

export type Finals = { heads: Agreed; signal: AbortSignal }

/** Reads and verifies a range below the finalized block through the best provider. Throws NoProvider where none can, or where they disagree. */
export function readFinal(
  relayer: Relayer,
  { heads, signal, after, range, watch }: Finals & { after: BlockId; range: Range; watch: WatchSet }
): Promise<Part> {
  return relayer.providers.use(
    async (provider, others) => {
      const reader = await relayer.readerOf(provider)
      const place = { reader, others: await usable(relayer, others), heads }
      const part = await readPart(relayer, { ...place, after, range: { ...range, level: 'finalized' }, watch })
      if (part.range.level === 'finalized') return part
      throw new RpcFault(`another provider doesn't have block ${part.last.number} ${part.last.hash} of ${reader.id}`, {
        kind: 'retry'
      })
    },
    { signal }
  )
}
