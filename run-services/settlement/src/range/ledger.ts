import { compareRows, type EscrowTimeline, type Fault } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import {
  balanceFaults,
  type Entry,
  saysTheSame,
  settledEntries,
  standingTransfers,
  type Transfer,
  transferId
} from '../ledger/ledger.ts'
import { appendTransfers, loadTransfers, type StoredTransfer } from '../ledger/store.ts'

type Account = { escrow: EscrowTimeline; entries: Entry[]; stored: StoredTransfer[] }

async function loadAccounts(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<Account[]> {
  const stored = await loadTransfers(sql, escrows)
  return escrows.map((escrow, index) => ({
    escrow,
    entries: settledEntries(escrow.timeline),
    stored: stored[index] ?? []
  }))
}

/** Transfers that stand against those that the final facts call for, and the balances that they make. */
export async function ledgerFaults(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<Fault[]> {
  return (await loadAccounts(sql, escrows)).flatMap(({ escrow: { escrow_address }, entries, stored }) => {
    const faults = compareRows<Entry>({
      what: 'ledger',
      expected: entries,
      actual: standingTransfers(stored),
      key: ({ fact_id, kind }) => `${fact_id} ${kind}`,
      name: ({ fact_id, kind }) => `${kind} transfer of fact ${fact_id}`
    })
    if (faults.length > 0) return faults
    return balanceFaults(stored, entries).map(
      (detail): Fault => ({ kind: 'altered', what: 'ledger', escrow_address, detail: `balance in ${detail}` })
    )
  })
}

/** Adds transfers that are missing where all that stands is right; what isn't is left to an operator. The caller has locked the escrows. */
export async function repairLedger(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<number> {
  let written = 0
  for (const { entries, stored } of await loadAccounts(sql, escrows)) {
    const { missing, before } = missingTransfers(entries, stored)
    if (missing.length === 0) continue
    written += before ? await insertBefore(sql, { missing, before }) : (await appendTransfers(sql, missing)).length
  }
  return written
}

/**
 * What to add, and the transfer before which it belongs, if any: without its deposit the balance of an ending would be negative.
 * Nothing unless the account is right after that.
 */
function missingTransfers(
  entries: readonly Entry[],
  stored: readonly Transfer[]
): { missing: Transfer[]; before: Transfer | undefined } {
  const standing = standingTransfers(stored)
  const missing = entries
    .filter(entry => !standing.some(transfer => saysTheSame(transfer, entry)))
    .map(entry => ({ transfer_id: transferId(entry, stored), ...entry }))
  const before = missing.some(({ kind }) => kind === 'pending') ? standing[0] : undefined
  const at = before ? stored.indexOf(before) : stored.length
  const after = [...stored.slice(0, at), ...missing, ...stored.slice(at)]
  const right = standing.length + missing.length === entries.length && balanceFaults(after, entries).length === 0
  return right ? { missing, before } : { missing: [], before: undefined }
}

/** Puts a transfer in the place that it has left right before another one of its escrow; within an escrow alone `seq` is an order. */
async function insertBefore(
  sql: Sql,
  { missing, before }: { missing: readonly Transfer[]; before: Transfer }
): Promise<number> {
  const inserted = await sql`
    insert into ledger_transfers (
      seq, transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount, reverses
    ) overriding system value
    select next.seq - 1, given.*
    from jsonb_to_recordset(${JSON.stringify(missing)}::text::jsonb) as given (
      transfer_id uuid, fact_id uuid, kind text, chain_id bigint, escrow_address text, debit_account text, credit_account text,
      asset_symbol text, amount numeric, reverses uuid
    ) join ledger_transfers as next on next.transfer_id = ${before.transfer_id}
    where not exists (
      select from ledger_transfers as taken
      where (taken.chain_id, taken.escrow_address, taken.seq) = (next.chain_id, next.escrow_address, next.seq - 1)
    )`
  return inserted.count
}
