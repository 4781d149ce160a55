import type { EscrowKey } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import type { Transfer } from './ledger.ts'

export type StoredTransfer = Transfer & { created_at: string }

/** bigint columns come as text; chain ids were checked to be safe integers. */
type TransferRow = Omit<StoredTransfer, 'chain_id' | 'created_at'> & { chain_id: string; created_at: Date }

const fromRow = ({ chain_id, created_at, ...row }: TransferRow): StoredTransfer => ({
  ...row,
  chain_id: Number(chain_id),
  created_at: created_at.toISOString()
})

const COLUMNS = [
  ...['transfer_id', 'fact_id', 'kind', 'chain_id', 'escrow_address', 'debit_account', 'credit_account'],
  ...['asset_symbol', 'amount', 'reverses']
]

/** All transfers of each escrow, oldest first, in the order of the keys. */
export async function loadTransfers(sql: Sql, keys: readonly EscrowKey[]): Promise<StoredTransfer[][]> {
  const rows = await sql<(TransferRow & { position: number })[]>`
    select ${sql(COLUMNS)}, created_at, position::int
    from unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
      with ordinality as given (chain_id, escrow_address, position)
    join ledger_transfers using (chain_id, escrow_address)
    order by seq`
  const transfers: StoredTransfer[][] = keys.map(() => [])
  for (const { position, ...row } of rows) transfers[position - 1]?.push(fromRow(row))
  return transfers
}

/** Adds transfers in the order given; answers them as they were stored. */
export async function appendTransfers(sql: Sql, transfers: readonly Transfer[]): Promise<StoredTransfer[]> {
  const column = (name: keyof Transfer) => transfers.map(one => one[name])
  const rows = await sql<TransferRow[]>`
    insert into ledger_transfers (${sql(COLUMNS)})
    select ${sql(COLUMNS)}
    from unnest(
      ${column('transfer_id')}::uuid[], ${column('fact_id')}::uuid[], ${column('kind')}::text[], ${column('chain_id')}::bigint[],
      ${column('escrow_address')}::text[], ${column('debit_account')}::text[], ${column('credit_account')}::text[],
      ${column('asset_symbol')}::text[], ${column('amount')}::numeric[], ${column('reverses')}::uuid[]
    ) with ordinality as given (${sql(COLUMNS)}, position)
    order by position
    returning ${sql(COLUMNS)}, created_at`
  return rows.map(fromRow)
}

export type AssetSums = { asset_symbol: string; debits: string; credits: string }

/** What the transfers less countered pairs move, by asset; in double entry the two sums are one. Base units. */
export async function sumByAsset(sql: Sql): Promise<AssetSums[]> {
  // A counter moves as much as its transfer, so the two cancel here: one scan of the table, without a search for pairs.
  return sql<AssetSums[]>`
    select asset_symbol, moved::text as debits, moved::text as credits
    from (
      select asset_symbol, sum(case kind when 'counter' then -amount else amount end) as moved
      from ledger_transfers group by asset_symbol
    ) as sums
    where moved <> 0 order by asset_symbol`
}

/** Transfers less countered pairs, to select from. */
const standing = (sql: Sql) => sql`(
  select * from ledger_transfers as transfer
  where kind <> 'counter' and not exists (select from ledger_transfers as counter where counter.reverses = transfer.transfer_id)
)`

/** Credits less debits in base units; `pending` is the part of deposits that have no ending yet. */
export type AssetBalance = { asset_symbol: string; total: string; pending: string }

/** The balances of an account by asset, of what stands. */
export async function findBalances(sql: Sql, account: string): Promise<AssetBalance[]> {
  return sql<AssetBalance[]>`
    select asset_symbol, sum(change)::text as total, coalesce(sum(change) filter (where is_open), 0)::text as pending
    from (
      select asset_symbol, case when credit_account = ${account} then amount else -amount end as change,
        kind = 'pending' and not exists (
          select from ${standing(sql)} as ending
          where ending.chain_id = one.chain_id and ending.escrow_address = one.escrow_address and ending.kind <> 'pending'
        ) as is_open
      from ${standing(sql)} as one
      where credit_account = ${account} or debit_account = ${account}
    ) as changes
    group by asset_symbol order by asset_symbol`
}
