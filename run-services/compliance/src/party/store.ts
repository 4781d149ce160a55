import type { EscrowKey } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import type { EscrowParty } from './party.ts'

/** Makes the parties of these escrows be those given; the caller has locked the escrows. A row that stays the same isn't written. */
export async function replaceParties(
  sql: Sql,
  { keys, parties }: { keys: readonly EscrowKey[]; parties: readonly EscrowParty[] }
): Promise<void> {
  await sql`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(parties)}::text::jsonb) as given (
        chain_id bigint, escrow_address text, role text, address text, status text
      )
    ), gone as (
      delete from escrow_parties as saved
      using unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
        as escrows (chain_id, escrow_address)
      where saved.chain_id = escrows.chain_id and saved.escrow_address = escrows.escrow_address
        and not exists (
          select from given
          where given.chain_id = saved.chain_id and given.escrow_address = saved.escrow_address
            and given.role = saved.role and given.address = saved.address
        )
    )
    insert into escrow_parties as saved (chain_id, escrow_address, role, address, status)
    select chain_id, escrow_address, role, address, status from given
    on conflict (chain_id, escrow_address, role, address) do update set status = excluded.status
    where saved.status <> excluded.status`
}

export type EscrowOfParty = Pick<EscrowParty, 'chain_id' | 'escrow_address' | 'status'>

/** The escrows in which an address was named, reverted ones left out; by chain and address. */
export async function findEscrowsOf(sql: Sql, address: string): Promise<EscrowOfParty[]> {
  // bigint columns come as text; chain ids were checked to be safe integers.
  const rows = await sql<(Omit<EscrowOfParty, 'chain_id'> & { chain_id: string })[]>`
    select chain_id, escrow_address, status from escrow_parties where address = ${address}
    group by chain_id, escrow_address, status
    order by chain_id, escrow_address collate "C"`
  return rows.map(row => ({ ...row, chain_id: Number(row.chain_id) }))
}
