import type { OutgoingMessage } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import type { Range } from '../chain.ts'
import { factMessage } from '../message.ts'
import type { ChainFact } from './chain-parts.ts'

/** By fact, the incarnation that is final, of those that were final before and reverted by force: the chain doesn't tell that. */
export async function forcedIncarnations(
  sql: Sql,
  { chainId, range: { from, to } }: { chainId: number; range: Range }
): Promise<Map<string, number>> {
  const rows = await sql<{ fact_id: string; incarnation: number }[]>`
    select fact_id, incarnation::float8 as incarnation from facts
    where chain_id = ${chainId} and block_number between ${from} and ${to} and forced and finality = 'finalized'`
  return new Map(rows.map(({ fact_id, incarnation }) => [fact_id, incarnation]))
}

/** The message that said a fact to be final, once more; the first for whoever missed it. */
export const finalAgain = (
  { body, incarnation }: Pick<ChainFact, 'body' | 'incarnation'>,
  traceparent: string
): OutgoingMessage =>
  factMessage({ body, traceparent, finality: 'finalized', incarnation, forced: incarnation > 1, first: true })
