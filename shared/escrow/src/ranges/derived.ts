import { type Sql, transaction } from '@fusion-prime/postgres'
import { type StandingFact, timelineOf } from '../project.ts'
import { type EscrowKey, loadHistories, lockEscrows } from '../store.ts'
import type { Fault } from './compare-rows.ts'
import { listTouched } from './held-facts.ts'
import type { ChainRange } from './manifests.ts'

/** An escrow and its facts, at least one, in chain order. */
export type EscrowTimeline = EscrowKey & { timeline: StandingFact[] }

/** The rows that a service derives from facts. */
export type Derivation = {
  /** The tables, by chain_id and escrow_address; rows of an escrow without facts are found in them. */
  tables: Readonly<Record<string, Fault['what']>>
  /** Where the rows aren't what the facts give. Only reads. */
  faults(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<Fault[]>
  /** Writes the rows that are missing, of escrows that the caller has locked; answers how many. */
  repair(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<number>
}

async function loadTimelines(sql: Sql, keys: readonly EscrowKey[]): Promise<EscrowTimeline[]> {
  const histories = await loadHistories(sql, keys)
  return keys.flatMap((key, index) => {
    const history = histories[index] ?? []
    return history.length > 0 ? { ...key, timeline: timelineOf(history) } : []
  })
}

/** Checks the escrows that a range touches, a page at a time, each page within one snapshot. */
export async function checkDerived(
  sql: Sql,
  {
    derivation,
    range,
    after,
    limit
  }: {
    derivation: Derivation
    range: ChainRange
    after: string | undefined
    limit: number
  }
): Promise<{ items: Fault[]; escrows: number; last: string | undefined }> {
  return transaction(sql, async tx => {
    await tx`set transaction isolation level repeatable read, read only`
    const touched = await listTouched(tx, { range, after, limit })
    const keys = touched.map(escrow_address => ({ chain_id: range.chain_id, escrow_address }))
    const items = keys.length > 0 ? await derivation.faults(tx, await loadTimelines(tx, keys)) : []
    const last = touched.length === limit ? touched.at(-1) : undefined
    const orphans = last === undefined ? await orphansIn(tx, { derivation, chain_id: range.chain_id }) : []
    return { items: [...items, ...orphans], escrows: keys.length, last }
  })
}

/** Of each table that many are told. */
const MAX_ORPHANS = 100

/** Escrows of which there are rows, but no fact. */
async function orphansIn(
  sql: Sql,
  { derivation, chain_id }: { derivation: Derivation; chain_id: number }
): Promise<Fault[]> {
  const found: Fault[] = []
  for (const [table, what] of Object.entries(derivation.tables)) {
    const rows = await sql<{ escrow_address: string }[]>`
      select distinct escrow_address from ${sql(table)} as derived
      where chain_id = ${chain_id} and not exists (
        select from facts where facts.chain_id = derived.chain_id and facts.escrow_address = derived.escrow_address
      )
      order by escrow_address limit ${MAX_ORPHANS}`
    const detail = `${table}: there is no fact of this escrow`
    found.push(...rows.map(({ escrow_address }): Fault => ({ kind: 'extra', what, escrow_address, detail })))
  }
  return found
}

export type Repair = {
  chain_id: number
  facts: readonly { fact_id: string; event_id: string }[]
  manifests: readonly string[]
  escrows: readonly string[]
}

/** Forgets messages whose effect is gone, so that they are handled when they come again, and writes missing rows; in one transaction. */
export async function repair(
  sql: Sql,
  { chain_id, facts, manifests, escrows, derivation }: Repair & { derivation: Derivation }
): Promise<{ forgotten: number; written: number }> {
  const keys = [...new Set(escrows)].sort().map(escrow_address => ({ chain_id, escrow_address }))
  return transaction(sql, async tx => {
    // The inbox before the escrows, ids sorted: as consumers lock them.
    const forgottenFacts = await tx`
      with lost as materialized (
        select topic, event_id
        from unnest(${facts.map(one => one.fact_id)}::uuid[], ${facts.map(one => one.event_id)}::uuid[]) as given (fact_id, event_id)
        join processed_events as inbox using (event_id)
        where topic = 'escrow-events' and not exists (
          select from fact_messages where fact_messages.fact_id = given.fact_id and fact_messages.event_id = given.event_id
        )
        order by event_id for update of inbox
      )
      delete from processed_events as inbox using lost where (inbox.topic, inbox.event_id) = (lost.topic, lost.event_id)`
    const forgottenManifests = await tx`
      with lost as materialized (
        select topic, event_id from processed_events as inbox
        where topic = 'chain.ranges.v1' and event_id = any (${manifests}::uuid[])
          and not exists (select from range_manifests where range_manifests.event_id = inbox.event_id)
        order by event_id for update
      )
      delete from processed_events as inbox using lost where (inbox.topic, inbox.event_id) = (lost.topic, lost.event_id)`
    await lockEscrows(tx, keys)
    const written = keys.length > 0 ? await derivation.repair(tx, await loadTimelines(tx, keys)) : 0
    return { forgotten: forgottenFacts.count + forgottenManifests.count, written }
  })
}
