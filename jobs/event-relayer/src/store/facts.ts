import type { OutgoingMessage } from '@fusion-prime/events'
import { packed, type Sql } from '@fusion-prime/postgres'
import type { Level } from '../chain.ts'
import type { FactBody } from '../decode/escrow.ts'

/** `message`: what is said of it when it was never there before, if that was made beforehand. */
export type NewFact = { body: FactBody; finality: Level; traceparent: string; message?: OutgoingMessage }

/** A fact as it stands after a write; `forced`: it was once reverted below finality. */
export type StoredFact = { body: FactBody; incarnation: number; forced: boolean; traceparent: string }

/** Inserts facts that can't be there yet, because their blocks weren't. */
export async function insertFacts(
  tx: Sql,
  { chainId, facts }: { chainId: number; facts: readonly NewFact[] }
): Promise<void> {
  if (facts.length === 0) return
  await tx`
    insert into facts (fact_id, chain_id, block_hash, block_number, log_index, finality, body, traceparent)
    select fact_id, ${chainId}, block_hash, block_number, log_index, finality, body::jsonb, traceparent
    from ${given(tx, facts)}`
}

/**
 * Inserts facts of blocks some of which were stored before. A reverted fact comes back with the next incarnation and a trace of its own;
 * one that counts already stays as it is and isn't answered.
 */
export async function upsertFacts(
  tx: Sql,
  { chainId, facts }: { chainId: number; facts: readonly NewFact[] }
): Promise<Map<string, { incarnation: number; forced: boolean }>> {
  if (facts.length === 0) return new Map()
  const rows = await tx<{ fact_id: string; incarnation: number; forced: boolean }[]>`
    insert into facts (fact_id, chain_id, block_hash, block_number, log_index, finality, body, traceparent)
    select fact_id, ${chainId}, block_hash, block_number, log_index, finality, body::jsonb, traceparent
    from ${given(tx, facts)}
    on conflict (fact_id) do update
    set finality = excluded.finality, incarnation = facts.incarnation + 1, traceparent = excluded.traceparent
    where facts.finality = 'reverted'
    returning fact_id, incarnation::float8 as incarnation, forced`
  return new Map(rows.map(({ fact_id, ...row }) => [fact_id, row]))
}

function given(tx: Sql, facts: readonly NewFact[]) {
  return tx`unnest(
      ${packed(
        tx,
        facts.map(({ body }) => body.fact_id)
      )}::uuid[],
      ${packed(
        tx,
        facts.map(({ body }) => body.block_hash)
      )},
      ${facts.map(({ body }) => body.block_number)}::bigint[],
      ${facts.map(({ body }) => body.log_index)}::bigint[],
      ${facts.map(({ finality }) => finality)}::text[],
      ${packed(
        tx,
        facts.map(({ body }) => JSON.stringify(body))
      )},
      ${packed(
        tx,
        facts.map(({ traceparent }) => traceparent)
      )}
    ) as given (fact_id, block_hash, block_number, log_index, finality, body, traceparent)`
}

const levelsBelow = (level: 'safe' | 'finalized'): Level[] => (level === 'finalized' ? ['seen', 'safe'] : ['seen'])

/** Whether a rise up to a block would change anything: a fact below the level, or the number that says how far facts were raised. */
export async function hasToRise(
  sql: Sql,
  { chainId, level, upTo }: { chainId: number; level: 'safe' | 'finalized'; upTo: number }
): Promise<boolean> {
  const [row] = await sql<{ due: boolean }[]>`
    select exists (
      select from facts
      where chain_id = ${chainId} and block_number <= ${upTo}
        and finality in ('seen', 'safe') and finality = any (${levelsBelow(level)}::text[])
    ) or exists (
      select from checkpoints where chain_id = ${chainId} and coalesce(${sql(`${level}_number`)}, -1) < ${upTo}
    ) as due`
  return row?.due ?? false
}

/** Raises the oldest facts below a level, up to a block, at most `limit`; in chain order. */
export async function raiseFacts(
  tx: Sql,
  { chainId, level, upTo, limit }: { chainId: number; level: 'safe' | 'finalized'; upTo: number; limit: number }
): Promise<StoredFact[]> {
  return tx<StoredFact[]>`
    with due as (
      select fact_id from facts
      where chain_id = ${chainId} and block_number <= ${upTo} and finality in ('seen', 'safe') and finality = any (${levelsBelow(level)}::text[])
      order by block_number, log_index
      limit ${limit}
    ), raised as (
      update facts set finality = ${level} from due where facts.fact_id = due.fact_id
      returning facts.block_number, facts.log_index, facts.body, facts.incarnation, facts.forced, facts.traceparent
    )
    select body, incarnation::float8 as incarnation, forced, traceparent from raised order by block_number, log_index`
}

/** How many facts of blocks above a number count and would be taken back with these blocks. */
export async function countStanding(
  sql: Sql,
  { chainId, hashes, above }: { chainId: number; hashes: readonly string[]; above: number }
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::float8 as count from facts
    where chain_id = ${chainId} and block_number > ${above} and block_hash = any (${hashes}::text[]) and finality <> 'reverted'`
  return row?.count ?? 0
}

/** Reverts the facts of blocks above a number that left the chain; newest first, each with the level that it had, and `forced` as it was before. Only an operator reverts final ones. */
export async function revertFacts(
  tx: Sql,
  {
    chainId,
    hashes,
    above,
    by
  }: { chainId: number; hashes: readonly string[]; above: number; by: 'chain' | 'operator' }
): Promise<(StoredFact & { was: Level })[]> {
  const levels: Level[] = by === 'operator' ? ['seen', 'safe', 'finalized'] : ['seen', 'safe']
  return tx<(StoredFact & { was: Level })[]>`
    with due as (
      select fact_id, finality as was, forced as was_forced from facts
      where chain_id = ${chainId} and block_number > ${above} and block_hash = any (${hashes}::text[]) and finality = any (${levels}::text[])
      for update
    ), reverted as (
      update facts set finality = 'reverted', forced = facts.forced or due.was = 'finalized'
      from due where facts.fact_id = due.fact_id
      returning facts.block_number, facts.log_index, facts.body, facts.incarnation, due.was_forced as forced, facts.traceparent, due.was
    )
    select body, incarnation::float8 as incarnation, forced, traceparent, was
    from reverted order by block_number desc, log_index desc`
}
