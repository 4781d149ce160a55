import type { Log } from '@fusion-prime/runtime'
import type { FinalityRule } from '../config.ts'
import { NoProvider, type Provider, type Providers } from '../providers/pool.ts'
import { RpcFault } from '../providers/rpc.ts'
import type { Reader } from '../read/reader.ts'

/** A chain read through the provider that a relayer would follow last. */
export type Source = {
  /** The others may be asked for proof. Throws NoProvider when none can be read. */
  read<Result>(work: (readers: readonly [Reader, ...Reader[]]) => Promise<Result>): Promise<Result>
  /** The highest final block that a provider knows of. */
  finalized(finality: FinalityRule): Promise<number>
  /** Providers that were read, with how often. */
  used(): Record<string, number>
}

/** The relayer follows the cheapest healthy provider first, so that the last one in RPC_URLS tells something of its own. */
export function createSource({
  providers,
  readerOf,
  log
}: {
  providers: Providers
  readerOf(provider: Provider): Promise<Reader>
  log: Log
}): Source {
  const used: Record<string, number> = {}
  const ids = providers.status().map(({ id }) => id)

  /** Unhealthy ones last: they are asked if nobody else answers. */
  function lastFirst(): string[] {
    const status = providers.status().toReversed()
    return [...status.filter(({ healthy }) => healthy), ...status.filter(({ healthy }) => !healthy)].map(({ id }) => id)
  }

  async function readersBut(id: string): Promise<Reader[]> {
    const others = providers.ranked().filter(provider => provider.id !== id)
    const readers = await Promise.allSettled(others.map(readerOf))
    return readers.flatMap(reader => (reader.status === 'fulfilled' ? [reader.value] : []))
  }

  return {
    async read(work) {
      const reasons: string[] = []
      for (const id of lastFirst()) {
        try {
          const result = await providers.use(
            async provider => work([await readerOf(provider), ...(await readersBut(id))]),
            { except: ids.filter(other => other !== id) }
          )
          if (used[id] === undefined) log.info({ provider: id }, 'verifying_through')
          used[id] = (used[id] ?? 0) + 1
          return result
        } catch (error) {
          if (!(error instanceof NoProvider)) throw error
          reasons.push(error.message)
        }
      }
      throw new NoProvider(reasons)
    },
    async finalized(finality) {
      const readers = await Promise.allSettled(providers.ranked().map(readerOf))
      const heads = await Promise.allSettled(
        readers.flatMap(reader => (reader.status === 'fulfilled' ? [reader.value.heads(finality)] : []))
      )
      const known = heads.flatMap(head => (head.status === 'fulfilled' ? [head.value.finalized?.number ?? -1] : []))
      if (known.length === 0)
        throw new RpcFault('no provider in RPC_URLS answers its heads: try again', { kind: 'retry' })
      return Math.max(...known)
    },
    used: () => used
  }
}
