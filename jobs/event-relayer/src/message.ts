import {
  chainRanges,
  type EscrowFact,
  encodeMessage,
  escrowEvents,
  escrowWorkflow,
  eventId,
  type Finality,
  type OutgoingMessage,
  rangeId
} from '@fusion-prime/events'
import type { Level } from './chain.ts'
import type { FactBody } from './decode/escrow.ts'
import type { Manifest } from './store/manifests.ts'

export type FactAtLevel = {
  body: FactBody
  traceparent: string
  finality: Level
  incarnation: number
  /** It was once reverted below finality, so that its finalized messages are numbered too. */
  forced: boolean
  first: boolean
  /** Its message, if that was made beforehand. */
  message?: OutgoingMessage | undefined
}

/** The message "this fact reached this level". Plain `finalized` says incarnation 1, so that a rebuild's is byte-equal. */
export function factMessage(fact: FactAtLevel): OutgoingMessage {
  return encode(fact, fact.finality, {})
}

/** The message "this fact's block left the chain"; it names the newest message that it takes back. */
export function revertMessage({
  was,
  ...fact
}: Omit<FactAtLevel, 'first' | 'finality'> & { was: Level }): OutgoingMessage {
  // What was said at that level was said before this revert: a finalized message of a first forced revert had no number.
  const reverts = eventId({ ...fact.body, finality: was, incarnation: incarnationAt(was, fact) })
  const forced = was === 'finalized'
  return encode({ ...fact, first: false }, 'reverted', { reverts, ...(forced && { forced }) })
}

const incarnationAt = (finality: Finality, fact: Pick<FactAtLevel, 'incarnation' | 'forced'>): number =>
  finality === 'finalized' && !fact.forced ? 1 : fact.incarnation

function encode(
  fact: Omit<FactAtLevel, 'finality'>,
  finality: Finality,
  extra: { reverts?: string; forced?: boolean }
): OutgoingMessage {
  const incarnation = incarnationAt(finality, fact)
  const event_id = eventId({ ...fact.body, finality, incarnation })
  const stored: Record<string, unknown> = fact.body
  const body: Record<string, unknown> = { event_id }
  // A body that was stored comes back with its keys in another order: sorted, the same fact gives the same bytes.
  for (const key of Object.keys(stored).sort()) body[key] = stored[key]
  Object.assign(body, { finality, incarnation }, extra)
  // FactBody is a fact less the fields that are added here; TypeScript can't rejoin a distributed Omit.
  return encodeMessage(escrowEvents, body as EscrowFact, {
    correlation_id: escrowWorkflow(fact.body),
    traceparent: fact.traceparent,
    free: { first: String(fact.first) }
  })
}

/** The message "all facts of this range were published". */
export function manifestMessage({
  chainId,
  manifest: { revision, ...manifest },
  traceparent
}: {
  chainId: number
  manifest: Manifest
  traceparent: string
}): OutgoingMessage {
  const range = { chain_id: chainId, ...manifest, ...(revision > 1 && { revision }) }
  const body = {
    event_id: rangeId(range),
    event_type: 'range_finalized' as const,
    schema_version: 1 as const,
    ...range
  }
  return encodeMessage(chainRanges, body, { correlation_id: `chain:${chainId}`, traceparent })
}
