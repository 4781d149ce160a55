import type { EscrowKey } from '@fusion-prime/escrow'
import { complianceEvents, encodeMessage, escrowWorkflow, type OutgoingMessage, uuid8 } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import { type Log, newTraceparent } from '@fusion-prime/runtime'
import type { EscrowParty } from '../party/party.ts'

type Match = Omit<EscrowParty, 'status'> & { list: string; list_version: string }

/** Parties to look at: of these addresses in all escrows, and of whatever address in the escrows that are being written. */
export type Wanted = { addresses: readonly string[]; escrows: readonly EscrowKey[] }

/** Remembers each party that is on a list and answers what announces it: once per escrow and role, until its address is clear again. */
export async function newMatches(
  sql: Sql,
  { at, log, ...wanted }: Wanted & { at: Date; log: Log }
): Promise<OutgoingMessage[]> {
  const matches = await saveNewMatches(sql, { ...wanted, at })
  for (const match of matches) log.error(match, 'sanctioned_party')
  return matches.map(match => announce(match, at))
}

function announce(match: Match, at: Date) {
  const workflow_id = escrowWorkflow(match)
  const occurred_at = at.toISOString()
  const { role, address, list_version } = match
  const event = {
    event_id: uuid8(`${workflow_id}:${role}:${address}:match:${list_version}:${occurred_at}`),
    event_type: 'sanctions_match' as const,
    schema_version: 1 as const,
    workflow_id,
    occurred_at,
    ...match
  }
  return encodeMessage(complianceEvents, event, { correlation_id: workflow_id, traceparent: newTraceparent() })
}

async function saveNewMatches(sql: Sql, { addresses, escrows, at }: Wanted & { at: Date }): Promise<Match[]> {
  // bigint columns come as text; chain ids were checked to be safe integers.
  const rows = await sql<(Omit<Match, 'chain_id'> & { chain_id: string })[]>`
    with parties as (
      select chain_id, escrow_address, role, address from escrow_parties where address = any (${addresses}::text[])
      union
      select chain_id, escrow_address, role, address from escrow_parties
      where (chain_id, escrow_address) in (
        select * from unnest(${escrows.map(one => one.chain_id)}::bigint[], ${escrows.map(one => one.escrow_address)}::text[])
      )
    )
    insert into escrow_matches (chain_id, escrow_address, role, address, list, list_version, found_at)
    select chain_id, escrow_address, role, address, list, list_version, ${at}::timestamptz
    from parties join screenings using (address)
    where result = 'match'
    order by chain_id, escrow_address, role, address -- so that two transactions never wait for each other
    on conflict (chain_id, escrow_address, role, address) do nothing
    returning chain_id, escrow_address, role, address, list, list_version`
  return rows.map(row => ({ ...row, chain_id: Number(row.chain_id) }))
}

/**
 * Addresses on a list with a party that wasn't announced: its escrow was being written while the address was screened, so that neither
 * transaction saw the other's rows.
 */
export async function findUnannounced(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ address: string }[]>`
    select distinct address from (
      select chain_id, escrow_address, role, address from escrow_parties
      where address in (select address from screenings where result = 'match')
      except
      select chain_id, escrow_address, role, address from escrow_matches
    ) as missed
    limit ${limit}`
  return rows.map(row => row.address)
}

/** The next match of these addresses is a new one. */
export async function forgetMatches(sql: Sql, addresses: readonly string[]): Promise<void> {
  await sql`delete from escrow_matches where address = any (${addresses}::text[])`
}
