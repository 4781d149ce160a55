import type { Address, PublicClient } from 'viem'
import { escrowAbi } from './abi/escrow.ts'

/** An escrow at the head of the chain. Addresses are lower-case hex, the arbiter zero if there is none; times Unix seconds. */
export type EscrowState = {
  payer: Address
  payee: Address
  arbiter: Address
  amount: bigint
  releaseTime: bigint
  refundTime: bigint
  approvals: number
  approvalsRequired: number
  status: 'active' | 'released' | 'refunded'
}

/** By the number of the contract's enum. */
const statuses = ['active', 'released', 'refunded'] as const

/** Reads an escrow; over a batching transport in one round trip. Throws the library's error if there is none at the address. */
export async function readEscrow(client: PublicClient, address: Address): Promise<EscrowState> {
  const escrow = { address, abi: escrowAbi } as const
  const [payer, payee, arbiter, amount, releaseTime, refundTime, approvals, approvalsRequired, status] =
    await Promise.all([
      client.readContract({ ...escrow, functionName: 'payer' }),
      client.readContract({ ...escrow, functionName: 'payee' }),
      client.readContract({ ...escrow, functionName: 'arbiter' }),
      client.readContract({ ...escrow, functionName: 'amount' }),
      client.readContract({ ...escrow, functionName: 'releaseTime' }),
      client.readContract({ ...escrow, functionName: 'refundTime' }),
      client.readContract({ ...escrow, functionName: 'approvals' }),
      client.readContract({ ...escrow, functionName: 'approvalsRequired' }),
      client.readContract({ ...escrow, functionName: 'status' })
    ])
  const times = { releaseTime, refundTime }
  const parties = { payer: lowerCase(payer), payee: lowerCase(payee), arbiter: lowerCase(arbiter) }
  return { ...parties, amount, ...times, approvals, approvalsRequired, status: statuses[status] ?? 'active' }
}

// Lower-casing hex leaves it hex.
export const lowerCase = (address: Address): Address => address.toLowerCase() as Address
