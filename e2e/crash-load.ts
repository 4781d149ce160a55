import { type Address, createEscrowClient } from '@fusion-prime/chain'
import { type Cast, lives } from '../shared/local/src/demo/lives.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import { pick, type Random } from './crash-script.ts'

export type Load = {
  /** Rejects when the load itself breaks. */
  broken: Promise<never>
  /** Begins no further escrow; resolves when those under way have come to their end. */
  stop(): Promise<void>
}

/** Takes escrows through their lives, so many at once, one after another until stopped. */
export function startLoad({ chain, factory }: Stack, { atOnce, random }: { atOnce: number; random: Random }): Load {
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const cast = castOf(chain.accounts)
  const { promise: broken, reject } = Promise.withResolvers<never>()
  let stopped = false

  async function work(): Promise<void> {
    while (!stopped) {
      const life = pick(lives, random)
      const payer = pick(cast.payers, random)
      await life.run({ client, factory, cast, payer, born: () => undefined }).catch(ignoreTakenNonce)
    }
  }

  const ended = Promise.all(Array.from({ length: atOnce }, work))
  ended.catch(reject)
  broken.catch(() => undefined) // told to whoever waits for it; nobody has to
  return {
    broken,
    async stop() {
      stopped = true
      await ended
    }
  }
}

/**
 * The local node now and then forgets a transaction that comes while it mines, and its sender's next one takes the nonce. The life ends
 * there then: what became of its escrow stands on the chain, as with any other.
 */
function ignoreTakenNonce(error: unknown): void {
  if (!/replacement transaction underpriced|nonce too low/.test(String(error))) throw error
}

function castOf(accounts: readonly Address[]): Cast {
  const [, , , , , payee, arbiter, secondArbiter, sanctioned] = accounts
  if (!payee || !arbiter || !secondArbiter || !sanctioned) throw new Error('the load needs nine accounts')
  return { payers: accounts.slice(0, 5), payee, arbiter, secondArbiter, sanctioned }
}
