import { type Address, escrowAbi, escrowFactoryAbi } from '@fusion-prime/chain'
import { factId } from '@fusion-prime/events'
import { createPublicClient, http, parseEventLogs } from 'viem'
import type { LocalChain } from '../shared/local/src/chain.ts'

export type ChainFact = { fact_id: string; event: string; escrow: Address; amount: bigint | undefined }

/** Every escrow event of the whole chain, read and decoded without any part of the relayer. */
export async function readChainFacts({ rpcUrl, chainId }: LocalChain): Promise<ChainFact[]> {
  const reader = createPublicClient({ transport: http(rpcUrl) })
  const logs = await reader.getLogs({ fromBlock: 0n, toBlock: 'latest' })
  return parseEventLogs({ abi: [...escrowFactoryAbi, ...escrowAbi], logs }).map(
    ({ args, eventName, address, blockHash, transactionHash, logIndex }) => ({
      fact_id: factId({
        chain_id: chainId,
        block_hash: blockHash,
        transaction_hash: transactionHash,
        log_index: logIndex
      }),
      event: eventName,
      // Lower case changes nothing of an address' form.
      escrow: ('escrow' in args ? args.escrow : address).toLowerCase() as Address,
      amount: 'amount' in args ? args.amount : undefined
    })
  )
}
