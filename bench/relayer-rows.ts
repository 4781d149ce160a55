import { isDeepStrictEqual } from 'node:util'
import { escrowEvents } from '@fusion-prime/events'
import type { Pool } from '@fusion-prime/postgres'
import { type ChainPlan, factTypesUpTo } from './relayer-chain.ts'
import type { ExpectedTick } from './relayer-scenarios.ts'

/** Throws unless the relayer's database holds every fact and message of the blocks up to the head once, and nothing waits. */
export async function assertRelayed(sql: Pool, { plan, tick }: { plan: ChainPlan; tick: ExpectedTick }): Promise<void> {
  const types = await sql<{ type: string; count: number }[]>`
    select body ->> 'event_type' as type, count(*)::int as count from facts group by 1`
  const [facts] = await sql<{ facts: number; finalized: number }[]>`
    select count(*)::int as facts, (count(*) filter (where finality = 'finalized'))::int as finalized from facts`
  const [outbox] = await sql<{ messages: number; waiting: number }[]>`
    select (count(*) filter (where topic = ${escrowEvents.name}))::int as messages,
      (count(*) filter (where published_at is null))::int as waiting
    from outbox`
  const [checkpoint] = await sql<{ block: string }[]>`select block_number as block from checkpoints`
  const found = {
    checkpoint: Number(checkpoint?.block),
    ...facts,
    ...outbox,
    ...Object.fromEntries(types.map(({ type, count }) => [type, count]))
  }
  const wanted = {
    checkpoint: tick.heads.latest,
    facts: tick.facts,
    finalized: tick.finalized,
    messages: tick.messages,
    waiting: 0,
    ...Object.fromEntries(factTypesUpTo(plan, tick.heads.latest))
  }
  if (isDeepStrictEqual(found, wanted)) return
  throw new Error(`the relayer's database holds ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}
