import { escrowEvents } from '@fusion-prime/events'
import { contentDigest, createRangeDigests, type RangeDigests } from '@fusion-prime/operations'
import { type Sql, transaction } from '@fusion-prime/postgres'
import type { ChainRange } from './manifests.ts'

export type HeldFact = {
  fact_id: string
  event_id: string | null
  block_number: number
  content_digest: string
  counts: boolean
}

/** Rows that are held in memory at once. */
const FETCH = 1_000

/** Digests over the facts of a range that count, read in parts within one snapshot. */
export async function digestsOf(sql: Sql, range: ChainRange): Promise<RangeDigests> {
  return transaction(sql, async tx => {
    const digests = createRangeDigests()
    await tx`
      declare facts_of_range no scroll cursor for
      select fact_id, event_id, body from facts ${told(tx)} where ${within(tx, range)} and counts order by fact_id`
    for (;;) {
      const rows = await tx<Row[]>`fetch ${tx.unsafe(String(FETCH))} from facts_of_range`
      for (const { body, ...fact } of rows) digests.add({ ...fact, content_digest: contentDigest(escrowEvents, body) })
      if (rows.length < FETCH) return digests.end()
    }
  })
}

type Body = Record<string, unknown>
type Row = Pick<HeldFact, 'fact_id' | 'event_id'> & { body: Body }

/** Facts of a range by id, those that don't count too, from the one after `after` on. */
export async function listFacts(
  sql: Sql,
  { range, after, limit }: { range: ChainRange; after: string | undefined; limit: number }
): Promise<HeldFact[]> {
  const rows = await sql<(Omit<HeldFact, 'content_digest'> & { body: Body })[]>`
    select fact_id, event_id, block_number::float8 as block_number, counts, body from facts ${told(sql)}
    where ${within(sql, range)} ${after ? sql`and fact_id > ${after}` : sql``}
    order by fact_id limit ${limit}`
  return rows.map(({ body, ...fact }) => ({ ...fact, content_digest: contentDigest(escrowEvents, body) }))
}

/** Escrows with facts in a range, by address, from the one after `after` on. */
export async function listTouched(
  sql: Sql,
  { range, after, limit }: { range: ChainRange; after: string | undefined; limit: number }
): Promise<string[]> {
  const rows = await sql<{ escrow_address: string }[]>`
    select distinct escrow_address from facts
    where ${within(sql, range)} ${after ? sql`and escrow_address > ${after}` : sql``}
    order by escrow_address limit ${limit}`
  return rows.map(({ escrow_address }) => escrow_address)
}

const within = (sql: Sql, { chain_id, from, to }: ChainRange) =>
  sql`facts.chain_id = ${chain_id} and facts.block_number between ${from} and ${to}`

/** Whether a fact counts, by the rule of standingOf, and which message said that it is final. A fact of which nothing was said doesn't count. */
const told = (sql: Sql) => sql`
  cross join lateral (
    select coalesce(
        bool_or(finality = 'finalized' and incarnation > forced_up_to) or not bool_or(finality = 'reverted' and incarnation = highest), false
      ) as counts,
      (array_agg(event_id order by incarnation desc) filter (where finality = 'finalized'))[1] as event_id
    from (
      select finality, incarnation, event_id, max(incarnation) over () as highest,
        coalesce(max(incarnation) filter (where forced) over (), 0) as forced_up_to
      from fact_messages where fact_messages.fact_id = facts.fact_id
    ) as messages
  ) as told`
