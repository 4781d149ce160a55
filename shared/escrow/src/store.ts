import type { EscrowFact, Received } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import type { FactHistory } from './project.ts'
import type { FactMessage } from './standing.ts'

export type EscrowKey = { chain_id: number; escrow_address: string }

/** The distinct escrows that facts are about, sorted, so that every transaction takes their locks in one order. */
export function escrowKeys(facts: readonly Received<EscrowFact>[]): EscrowKey[] {
  const keys = new Map(
    facts.map(({ body: { chain_id, escrow_address } }) => [
      `${chain_id}:${escrow_address}`,
      { chain_id, escrow_address }
    ])
  )
  return [...keys.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
}

/** Until the transaction ends, no other one changes these escrows. Without it two that run at once lose facts. */
export async function lockEscrows(sql: Sql, keys: readonly EscrowKey[]): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(key, 0))
    from unnest(${keys.map(key => `${key.chain_id}:${key.escrow_address}`)}::text[]) as given (key)`
}

/** Stores facts and what was said of them; what is there already stays as it is. */
export async function appendFacts(sql: Sql, facts: readonly Received<EscrowFact>[]): Promise<void> {
  const bodies = facts.map(fact => fact.body)
  await sql`
    insert into facts (fact_id, chain_id, escrow_address, block_number, log_index, body)
    select (body->>'fact_id')::uuid, (body->>'chain_id')::bigint, body->>'escrow_address', (body->>'block_number')::bigint,
      (body->>'log_index')::bigint, body
    from jsonb_array_elements(${JSON.stringify(bodies)}::text::jsonb) as given (body)
    on conflict (fact_id) do nothing`
  await sql`
    insert into fact_messages (fact_id, incarnation, finality, forced, event_id, correlation_id)
    select * from unnest(
      ${bodies.map(body => body.fact_id)}::uuid[],
      ${bodies.map(body => body.incarnation)}::bigint[],
      ${bodies.map(body => body.finality)}::text[],
      ${bodies.map(body => String(body.finality === 'reverted' && body.forced === true))}::text[]::boolean[],
      ${bodies.map(body => body.event_id)}::uuid[],
      ${facts.map(fact => fact.correlation_id)}::text[]
    )
    on conflict (fact_id, incarnation, finality) do nothing`
}

/** All facts of each escrow, in the order of the keys; an escrow without facts gives an empty list. */
export async function loadHistories(sql: Sql, keys: readonly EscrowKey[]): Promise<FactHistory[][]> {
  const rows = await sql<{ position: number; body: EscrowFact; messages: FactMessage[] }[]>`
    select given.position::int as position, facts.body, told.messages
    from unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
      with ordinality as given (chain_id, escrow_address, position)
    join facts using (chain_id, escrow_address)
    cross join lateral (
      select jsonb_agg(jsonb_build_object('finality', finality, 'incarnation', incarnation, 'forced', forced)) as messages
      from fact_messages where fact_messages.fact_id = facts.fact_id
    ) as told
    where told.messages is not null -- a fact whose messages somebody deleted says nothing until they come again`
  const histories: FactHistory[][] = keys.map(() => [])
  for (const { position, body, messages } of rows) histories[position - 1]?.push({ body, messages })
  return histories
}
