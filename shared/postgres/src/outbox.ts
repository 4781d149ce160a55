import { reach } from '@fusion-prime/runtime'
import type { Sql } from './create-sql.ts'
import { packed } from './packed.ts'
import { transaction } from './transaction.ts'

export type OutboxMessage = {
  topic: string
  event_id: string
  data: string
  attributes: Record<string, string>
  ordering_key: string
}

/** What a sweep published and what Pub/Sub didn't take, with the first fault. */
type Swept = { published: number; failed: number; fault: Error | undefined }

type OutboxRow = OutboxMessage & { seq: string }

/** Messages that one sweep publishes at most, so that its transaction is short. */
const SWEEP_LIMIT = 500

/** Puts messages in the outbox, in the order given, in the caller's transaction. A message that is there already stays as it is. */
export async function appendOutbox(sql: Sql, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return
  await sql`
    insert into outbox (topic, event_id, ordering_key, data, attributes)
    select topic, event_id, ordering_key, data, attributes::jsonb
    from unnest(
      ${messages.map(one => one.topic)}::text[],
      ${messages.map(one => one.event_id)}::uuid[],
      ${messages.map(one => one.ordering_key)}::text[],
      ${packed(
        sql,
        messages.map(one => one.data)
      )},
      ${packed(
        sql,
        messages.map(one => JSON.stringify(one.attributes))
      )}
    ) with ordinality as given (topic, event_id, ordering_key, data, attributes, position)
    order by position
    on conflict (topic, event_id) do nothing`
}

/**
 * Publishes what stands in the outbox, oldest first, and marks what was acknowledged. It claims whole ordering keys, so that several
 * instances may sweep at once and order holds within a key. Published twice only after a crash between publishing and marking.
 * A topic that takes nothing doesn't hold up the others, however much of it waits.
 */
export async function sweepOutbox(
  sql: Sql,
  publish: (messages: readonly OutboxMessage[]) => Promise<(Error | undefined)[]>
): Promise<Swept> {
  return transaction(sql, async tx => {
    const swept: Swept = { published: 0, failed: 0, fault: undefined }
    const away: string[] = []
    for (;;) {
      const rows = await claimRows(tx, away)
      if (rows.length === 0) return swept
      const faults = await publish(rows)
      reach('outbox_published')
      const done = rows.filter((_, index) => !faults[index])
      await markPublished(
        tx,
        done.map(row => row.seq)
      )
      swept.published += done.length
      swept.failed += rows.length - done.length
      swept.fault ??= faults.find(fault => fault)
      const taking = new Set(done.map(row => row.topic))
      const silent = new Set(rows.map(row => row.topic).filter(topic => !taking.has(topic)))
      if (silent.size === 0) return swept
      away.push(...silent)
    }
  })
}

async function claimRows(sql: Sql, away: readonly string[]): Promise<OutboxRow[]> {
  const keys = await sql<{ topic: string; ordering_key: string }[]>`
    with oldest as materialized (
      select topic, ordering_key from outbox where published_at is null and topic <> all (${away}::text[]) order by seq limit ${SWEEP_LIMIT}
    ), keys as materialized (select distinct topic, ordering_key from oldest)
    select topic, ordering_key from keys where pg_try_advisory_xact_lock(hashtextextended(topic || ' ' || ordering_key, 0))`
  if (keys.length === 0) return []
  // A statement of its own, so that it sees what the last holder of these keys has marked.
  return sql<OutboxRow[]>`
    select seq, topic, event_id, ordering_key, data, attributes
    from outbox
    where published_at is null and (topic, ordering_key) in (
      select * from unnest(${keys.map(one => one.topic)}::text[], ${keys.map(one => one.ordering_key)}::text[])
    )
    order by seq
    limit ${SWEEP_LIMIT}`
}

async function markPublished(sql: Sql, seqs: readonly string[]): Promise<void> {
  if (seqs.length > 0) await sql`update outbox set published_at = now() where seq = any (${seqs}::bigint[])`
}

/** Messages that wait, and the age of the oldest in seconds. */
export async function outboxDepth(sql: Sql): Promise<{ depth: number; oldest_seconds: number }> {
  const [row] = await sql<{ depth: number; oldest_seconds: number }[]>`
    select count(*)::int as depth, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
    from outbox where published_at is null`
  return row ?? { depth: 0, oldest_seconds: 0 }
}

/** Rows that one pruning looks at, oldest first. */
const PRUNE_LIMIT = 10_000

/** Forgets messages that were published longer ago than `hours`. Answers how many. */
export async function pruneOutbox(sql: Sql, hours: number): Promise<number> {
  const pruned = await sql`
    with oldest as materialized (select seq, published_at from outbox order by seq limit ${PRUNE_LIMIT})
    delete from outbox using oldest
    where outbox.seq = oldest.seq and oldest.published_at < now() - make_interval(hours => ${hours})`
  return pruned.count
}
