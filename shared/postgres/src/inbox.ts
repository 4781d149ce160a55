import type { Sql } from './create-sql.ts'

/** What the inbox says of a message: handle it, it was handled, or its id was used for something else. */
export type Claim = 'new' | 'duplicate' | 'id_reused'

/**
 * Claims messages of one topic in the caller's transaction, ids in sorted order. Of several with one id the first that is given is new, if any is.
 * A message that another transaction is handling is waited for, up to the connection's lock_timeout.
 */
export async function claimEvents(
  sql: Sql,
  { topic, events }: { topic: string; events: readonly { event_id: string; digest: string }[] }
): Promise<Claim[]> {
  const rows = await sql<{ event_id: string; digest: string; is_new: boolean }[]>`
    insert into processed_events as inbox (topic, event_id, digest, duplicates)
    select ${topic}, event_id, (array_agg(digest order by position))[1], count(*) - 1
    from unnest(${events.map(one => one.event_id)}::uuid[], ${events.map(one => one.digest)}::text[])
      with ordinality as given (event_id, digest, position)
    group by event_id
    order by event_id
    on conflict (topic, event_id) do update set duplicates = inbox.duplicates + excluded.duplicates + 1
    returning event_id, digest, xmax = 0 as is_new`
  const kept = new Map(rows.map(row => [row.event_id, row]))
  const unclaimed = new Set(rows.flatMap(row => (row.is_new ? row.event_id : [])))
  return events.map(({ event_id, digest }) => {
    if (unclaimed.delete(event_id)) return 'new'
    return kept.get(event_id)?.digest === digest ? 'duplicate' : 'id_reused'
  })
}

/** Forgets messages handled more than `days` ago; returns how many. Never below Pub/Sub's retention plus that of dead letters. */
export async function pruneInbox(sql: Sql, days: number): Promise<number> {
  const pruned = await sql`
    delete from processed_events
    where (topic, event_id) in (
      select topic, event_id from processed_events where processed_at < now() - make_interval(days => ${days}) order by processed_at limit 10000
    )`
  return pruned.count
}
