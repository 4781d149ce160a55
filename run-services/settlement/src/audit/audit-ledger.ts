import { loadHistories } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import { standingTransfers, type Transfer } from '../ledger/ledger.ts'
import { loadTransfers } from '../ledger/store.ts'
import { auditEscrow, type Fault } from './audit-escrow.ts'
import { nextEscrows, sumTransfers } from './store.ts'

/** Of one asset, over all transfers, in base units. The three roles’ balances are credits less debits, and sum to zero. */
export type AssetTotals = {
  transfers: number
  standing: number
  moved: bigint
  payer: bigint
  escrow: bigint
  payee: bigint
}

export type LedgerAudit = { escrows: number; faults: number; assets: Map<string, AssetTotals> }

/** Escrows read at once; memory is bounded by it. */
const PAGE = 500

/**
 * Checks every escrow's transfers against its facts, and the whole table against what was read. Run it in a transaction of one
 * snapshot: else what arrives meanwhile looks like faults. Faults are told one by one.
 */
export async function auditLedger(
  sql: Sql,
  { onFault, onPage }: { onFault(fault: Fault): void; onPage?(escrows: number): void }
): Promise<LedgerAudit> {
  const audit: LedgerAudit = { escrows: 0, faults: 0, assets: new Map() }
  const report = (fault: Fault) => {
    audit.faults += 1
    onFault(fault)
  }
  for (let keys = await nextEscrows(sql, { limit: PAGE }); keys.length > 0; ) {
    const histories = await loadHistories(sql, keys)
    const ledgers = await loadTransfers(sql, keys)
    for (const [index, key] of keys.entries()) {
      const transfers = ledgers[index] ?? []
      for (const fault of auditEscrow({ key, facts: histories[index] ?? [], transfers })) report(fault)
      addTotals(audit.assets, transfers)
    }
    audit.escrows += keys.length
    onPage?.(audit.escrows)
    keys = await nextEscrows(sql, { limit: PAGE, after: keys.at(-1) })
  }
  for (const fault of compareTotals(audit.assets, await sumTransfers(sql))) report(fault)
  return audit
}

const nothing: AssetTotals = { transfers: 0, standing: 0, moved: 0n, payer: 0n, escrow: 0n, payee: 0n }

function addTotals(assets: LedgerAudit['assets'], transfers: readonly Transfer[]): void {
  const standing = new Set(standingTransfers(transfers))
  for (const transfer of transfers) {
    const { asset_symbol, debit_account, credit_account } = transfer
    const totals = assets.get(asset_symbol) ?? { ...nothing }
    assets.set(asset_symbol, totals)
    const amount = BigInt(transfer.amount)
    totals.transfers += 1
    totals.standing += standing.has(transfer) ? 1 : 0
    totals.moved += amount
    for (const role of ['payer', 'escrow', 'payee'] as const) {
      if (credit_account.startsWith(`${role}:`)) totals[role] += amount
      if (debit_account.startsWith(`${role}:`)) totals[role] -= amount
    }
  }
}

/** Accounts that don't sum to zero, and rows that belong to no escrow that was read. */
function* compareTotals(
  assets: LedgerAudit['assets'],
  table: Awaited<ReturnType<typeof sumTransfers>>
): Generator<Fault> {
  const nowhere = { fault: 'totals_differ', chain_id: null, escrow_address: null, transfer_id: null } as const
  for (const [asset, { payer, escrow, payee }] of assets) {
    const sum = payer + escrow + payee
    if (sum !== 0n) yield { ...nowhere, detail: `the accounts in ${asset} sum to ${sum} instead of 0` }
  }
  for (const { asset_symbol, transfers, moved } of table) {
    const read = assets.get(asset_symbol)
    if (read?.transfers === transfers && read.moved === BigInt(moved)) continue
    const found = `${read?.transfers ?? 0} transfers of ${read?.moved ?? 0n}`
    yield {
      ...nowhere,
      detail: `the table has ${transfers} transfers of ${moved} ${asset_symbol}, by escrow there are ${found}`
    }
  }
}
