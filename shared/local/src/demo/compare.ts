import { type Address, createEscrowClient, type EscrowState } from '@fusion-prime/chain'
import type { StackFile } from '../stack-file.ts'
import { look, text } from './rest.ts'

/** One escrow as each part of the system sees it. `closed`: risk has no open position in it. */
export type Row = {
  escrow: string
  chain: string
  settlement: string
  finality: string
  risk: string
  compliance: string
  agrees: boolean
}

const ENDED = new Set(['released', 'refunded'])

/** Reads each escrow from the chain itself and from the three services’ answers. */
export async function compareEscrows(stack: StackFile, escrows: readonly Address[]): Promise<Row[]> {
  const client = createEscrowClient({ rpcUrl: stack.rpc_url, chainId: stack.chain_id })
  return Promise.all(
    escrows.map(async escrow => {
      const state = await client.readEscrow(escrow)
      const chain = statusOf(state)
      const settled = await look(`${stack.services.settlement}/escrows/${escrow}`)
      const risk = await positionStatus(stack, { escrow, payer: state.payer })
      const compliance = await screenedStatus(stack, { escrow, payer: state.payer })
      const settlement = text(settled?.status) ?? 'unknown'
      const expectedRisk = ENDED.has(chain) ? 'closed' : chain
      const agrees = settlement === chain && risk === expectedRisk && compliance === chain
      return { escrow, chain, settlement, finality: text(settled?.finality) ?? '', risk, compliance, agrees }
    })
  )
}

function statusOf({ status, approvals, approvalsRequired }: EscrowState): string {
  if (status !== 'active') return status
  if (approvals === 0) return 'funded'
  return approvals >= approvalsRequired ? 'approved' : 'partially_approved'
}

async function positionStatus(
  { services }: StackFile,
  { escrow, payer }: { escrow: string; payer: string }
): Promise<string> {
  const answer = await look(`${services['risk-engine']}/positions/${payer}`)
  return statusIn(answer?.positions, escrow) ?? 'closed'
}

async function screenedStatus(
  { services }: StackFile,
  { escrow, payer }: { escrow: string; payer: string }
): Promise<string> {
  const answer = await look(`${services.compliance}/screenings/${payer}`)
  return statusIn(answer?.escrows, escrow) ?? 'unknown'
}

function statusIn(list: unknown, escrow: string): string | undefined {
  if (!Array.isArray(list)) return undefined
  return text(list.find(one => one.escrow_address === escrow)?.status)
}
