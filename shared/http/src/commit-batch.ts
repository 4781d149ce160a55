import type { Received } from '@fusion-prime/events'
import {
  appendOutbox,
  type Claim,
  claimEvents,
  type OutboxMessage,
  type Sql,
  transaction
} from '@fusion-prime/postgres'
import { reach } from '@fusion-prime/runtime'

/** A checked message, and what `prepare` fetched for it outside the transaction. */
export type Delivery<Event, Prepared> = Received<Event> & { traceparent: string; prepared: Prepared }

/** The effect of new messages, in the transaction that claims them; answers what goes out because of it. */
export type Handle<Event, Prepared> = (sql: Sql, events: Delivery<Event, Prepared>[]) => Promise<OutboxMessage[]>

/** What became of one delivery, and whether its transaction put something in the outbox. */
export type Settled = { claim: Claim; announced: boolean }

/** One transaction for a batch: claim ids in sorted order, handle what is new, write what goes out. */
export async function commitBatch<Event, Prepared>(
  deliveries: Delivery<Event, Prepared>[],
  options: { sql: Sql; topic: string; handle: Handle<Event, Prepared>; claim?: typeof claimEvents | undefined }
): Promise<Settled[]> {
  const { sql, topic, handle, claim = claimEvents } = options
  const firsts = firstOfEachId(deliveries)
  const { claims, announced } = await transaction(sql, async tx => {
    const answers = await claim(tx, { topic, events: firsts })
    const fresh = firsts.filter((_, index) => answers[index] === 'new')
    const outgoing = fresh.length > 0 ? await handle(tx, fresh) : []
    await appendOutbox(tx, outgoing)
    return {
      claims: new Map(firsts.map((first, index) => [first, answers[index] ?? 'new'])),
      announced: outgoing.length > 0
    }
  })
  reach('batch_committed')
  const firstById = new Map(firsts.map(first => [first.event_id, first]))
  return deliveries.map(delivery => {
    const own = claims.get(delivery)
    if (own) return { claim: own, announced }
    const same = firstById.get(delivery.event_id)?.digest === delivery.digest
    return { claim: same ? 'duplicate' : 'id_reused', announced }
  })
}

function firstOfEachId<Event, Prepared>(deliveries: Delivery<Event, Prepared>[]): Delivery<Event, Prepared>[] {
  const firsts = new Map<string, Delivery<Event, Prepared>>()
  for (const delivery of deliveries) if (!firsts.has(delivery.event_id)) firsts.set(delivery.event_id, delivery)
  return [...firsts.values()].sort((a, b) => (a.event_id < b.event_id ? -1 : 1))
}
