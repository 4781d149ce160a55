import { decimalsOf, toWholeUnits } from '@fusion-prime/chain/assets'
import type { Escrow, EscrowStatus } from '@fusion-prime/escrow'

export type Role = 'payer' | 'payee' | 'arbiter'

/** What a party has at stake in an open escrow: the whole deposit, in base units, in each of its roles. */
export type Position = {
  chain_id: number
  escrow_address: string
  role: Role
  address: string
  asset_symbol: string
  amount: string
  status: EscrowStatus
  finality: Escrow['finality']
}

const roles = ['payer', 'payee', 'arbiter'] as const

const open: Record<EscrowStatus, boolean> = {
  funded: true,
  partially_approved: true,
  approved: true,
  released: false,
  refunded: false,
  reverted: false,
  incomplete: false
}

/** The positions of an escrow's parties; none unless it is open. */
export function positionsOf(escrow: Escrow): Position[] {
  const { chain_id, escrow_address, asset_symbol, amount, status, finality } = escrow
  if (!open[status] || asset_symbol === null || amount === null) return []
  return roles.flatMap(role => {
    const address = escrow[role]
    return address === null ? [] : { chain_id, escrow_address, role, address, asset_symbol, amount, status, finality }
  })
}

/** The amount in whole units, exact; null for an asset whose decimals nobody told us, since any number would be a guess. */
export const wholeUnitsOf = ({ asset_symbol, amount }: Pick<Position, 'asset_symbol' | 'amount'>): string | null =>
  decimalsOf(asset_symbol) === undefined ? null : toWholeUnits(asset_symbol, BigInt(amount))
