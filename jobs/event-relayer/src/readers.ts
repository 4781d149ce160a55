import { PermanentError } from '@fusion-prime/runtime'
import type { Provider } from './providers/pool.ts'
import { createReader, type HeaderFormat, type Reader } from './read/reader.ts'

export type Readers = { chainId: number; of(provider: Provider): Promise<Reader> }

/** Readers of providers; each provider is asked once which chain it serves, and never used for another. */
export function createReaders({ chainId, format }: { chainId: number; format: HeaderFormat }): Readers {
  const known = new Map<string, Reader>()
  return {
    chainId,
    async of({ id, rpc, limits }) {
      const asked = known.get(id)
      if (asked) return asked
      const reader = createReader({ id, rpc, limits, format })
      const actual = await reader.chainId()
      if (actual !== chainId) {
        throw new PermanentError(`CHAIN_ID is ${chainId}, but provider ${id} of RPC_URLS serves chain ${actual}`)
      }
      known.set(id, reader)
      return reader
    }
  }
}
