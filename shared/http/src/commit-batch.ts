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

/** What goes out because of new messages, and what is told of them once that is sure: `committed` runs after the commit and must not throw. */
export type Handled = { outgoing: readonly OutboxMessage[]; committed(): void }

/** The effect of new messages, in the transaction that claims them; answers what goes out because of it. */
export type Handle<Event, Prepared> = (
  sql: Sql,
  events: Delivery<Event, Prepared>[]
) => Promise<OutboxMessage[] | Handled>

/** What became of one delivery, and whether its transaction put something in the outbox. */
export type Settled = { claim: Claim; announced: boolean }

/** One transaction for a batch: claim ids in sorted order, handle what is new, write what goes out. Answers in the order of the deliveries. */
export async function commitBatch<Event, Prepared>(
  deliveries: Delivery<Event, Prepared>[],
  options: { sql: Sql; topic: string; handle: Handle<Event, Prepared>; claim?: typeof claimEvents | undefined }
): Promise<Settled[]> {
  const { sql, topic, handle, claim = claimEvents } = options
  const { claims, announced, committed } = await transaction(sql, async tx => {
    const claims = await claim(tx, { topic, events: deliveries })
    const fresh = deliveries.filter((_, index) => claims[index] === 'new')
    const handled = fresh.length > 0 ? await handle(tx, fresh) : []
    const { outgoing, committed } = Array.isArray(handled) ? { outgoing: handled, committed: undefined } : handled
    await appendOutbox(tx, outgoing)
    return { claims, announced: outgoing.length > 0, committed }
  })
  committed?.()
  reach('batch_committed')
  return claims.map(claim => ({ claim, announced }))
}
