import { setTimeout as sleep } from 'node:timers/promises'
import { decodeLog } from '@fusion-prime/chain'
import { factId } from '@fusion-prime/events'
import { createPublicClient, http } from 'viem'

/** A log that the demo saw in a block, by its own reading of the chain. */
export type SeenLog = { fact_id: string; event_type: string; escrow: string; block: number; seenAt: number }

const POLL_MS = 50

/**
 * Reads the logs of every new block, apart from the relayer, and tells each escrow event at the moment when its block was seen
 * (milliseconds of performance.now). Answers how to stop.
 */
export function watchChain({
  rpcUrl,
  chainId,
  onLog
}: {
  rpcUrl: string
  chainId: number
  onLog(log: SeenLog): void
}): () => Promise<void> {
  const reader = createPublicClient({ transport: http(rpcUrl) })
  let stopped = false
  let next: bigint | undefined

  async function poll(): Promise<void> {
    const head = await reader.getBlockNumber({ cacheTime: 0 })
    const seenAt = performance.now()
    next ??= head + 1n
    for (; next <= head; next += 1n) {
      for (const log of await reader.getLogs({ fromBlock: next, toBlock: next })) {
        const decoded = decodeLog(log)
        if (decoded.kind !== 'event' || decoded.event === 'EscrowCreated') continue
        const escrow = decoded.event === 'EscrowDeployed' ? decoded.args.escrow : log.address
        const place = {
          chain_id: chainId,
          block_hash: log.blockHash,
          transaction_hash: log.transactionHash,
          log_index: log.logIndex
        }
        onLog({ fact_id: factId(place), event_type: decoded.event, escrow, block: Number(next), seenAt })
      }
    }
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      // The node may be busy for a moment; what was missed is read at the next try.
      await poll().catch(() => undefined)
      await sleep(POLL_MS)
    }
  }

  const ended = loop()
  return async () => {
    stopped = true
    await ended
  }
}
