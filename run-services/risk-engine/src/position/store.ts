import type { EscrowKey } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import type { Position } from './position.ts'

/** Makes the positions in these escrows be those given; the caller has locked the escrows. A row that stays the same isn't written. */
export async function replacePositions(
  sql: Sql,
  { keys, positions }: { keys: readonly EscrowKey[]; positions: readonly Position[] }
): Promise<void> {
  await sql`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(positions)}::text::jsonb) as given (
        chain_id bigint, escrow_address text, role text, address text, asset_symbol text, amount numeric, status text, finality text
      )
    ), gone as (
      delete from positions
      using unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
        as escrows (chain_id, escrow_address)
      where positions.chain_id = escrows.chain_id and positions.escrow_address = escrows.escrow_address
        and not exists (
          select from given
          where given.chain_id = positions.chain_id and given.escrow_address = positions.escrow_address and given.role = positions.role
        )
    )
    insert into positions as saved (chain_id, escrow_address, role, address, asset_symbol, amount, status, finality)
    select chain_id, escrow_address, role, address, asset_symbol, amount, status, finality from given
    on conflict (chain_id, escrow_address, role) do update set
      address = excluded.address, asset_symbol = excluded.asset_symbol, amount = excluded.amount, status = excluded.status,
      finality = excluded.finality, updated_at = now()
    where (saved.address, saved.asset_symbol, saved.amount, saved.status, saved.finality)
      is distinct from (excluded.address, excluded.asset_symbol, excluded.amount, excluded.status, excluded.finality)`
}

/** The open positions of an address, by chain, escrow and role. */
export async function findPositions(sql: Sql, address: string): Promise<Position[]> {
  // bigint columns come as text; chain ids were checked to be safe integers.
  const rows = await sql<(Omit<Position, 'chain_id'> & { chain_id: string })[]>`
    select chain_id, escrow_address, role, address, asset_symbol, amount, status, finality
    from positions where address = ${address}
    order by chain_id, escrow_address collate "C", role collate "C"`
  return rows.map(row => ({ ...row, chain_id: Number(row.chain_id) }))
}
