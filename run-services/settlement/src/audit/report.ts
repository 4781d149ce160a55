import type { Fault } from './audit-escrow.ts'
import type { LedgerAudit } from './audit-ledger.ts'

export function formatFault({ fault, chain_id, escrow_address, transfer_id, detail }: Fault): string {
  const place = escrow_address === null ? 'ledger' : `escrow ${chain_id}:${escrow_address}`
  return `${fault}  ${place}${transfer_id === null ? '' : `  transfer ${transfer_id}`}  ${detail}`
}

/** The totals as an object of JSON; balances are credits less debits, amounts are base units as text. */
export function presentAudit({ escrows, faults, assets }: LedgerAudit) {
  const sorted = [...assets].sort(([a], [b]) => (a < b ? -1 : 1))
  const totals = sorted.map(([asset_symbol, { transfers, standing, moved, payer, escrow, payee }]) => ({
    asset_symbol,
    transfers,
    standing,
    moved: String(moved),
    payers: String(payer),
    escrows: String(escrow),
    payees: String(payee),
    sum: String(payer + escrow + payee)
  }))
  return { audit: 'ledger', ok: faults === 0, escrows, faults, assets: totals }
}

const head = ['asset_symbol', 'transfers', 'standing', 'moved', 'payers', 'escrows', 'payees', 'sum'] as const

/** The same for a terminal: a row per asset, numbers to the right. */
export function formatAudit(audit: LedgerAudit): string {
  const { escrows, faults, assets } = presentAudit(audit)
  const rows = [[...head], ...assets.map(one => head.map(column => String(one[column])))]
  const widths = head.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const table = rows.map(([asset = '', ...numbers]) =>
    [asset.padEnd(widths[0] ?? 0), ...numbers.map((cell, index) => cell.padStart(widths[index + 1] ?? 0))].join('  ')
  )
  const verdict = faults === 0 ? 'nothing is wrong' : `${faults} ${faults === 1 ? 'fault' : 'faults'}`
  return [...table, '', `${escrows} escrows checked against their facts: ${verdict}`].join('\n')
}
