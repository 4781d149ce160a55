import {
  type EscrowFact,
  encodeMessage,
  escrowEvents,
  escrowWorkflow,
  eventId,
  type Finality,
  type OutgoingMessage
} from '@fusion-prime/events'
import type { FactBody } from './decode/escrow.ts'

export type FactAtLevel = {
  body: FactBody
  traceparent: string
  finality: Finality
  incarnation: number
  first: boolean
}

/** The message "this fact reached this level". Plain `finalized` says incarnation 1, so that a rebuild's is byte-equal. */
export function factMessage({ body, traceparent, finality, incarnation: real, first }: FactAtLevel): OutgoingMessage {
  const incarnation = finality === 'finalized' ? 1 : real
  const event_id = eventId({ ...body, finality, incarnation })
  // FactBody is a fact less the fields that are added here; TypeScript can't rejoin a distributed Omit.
  const fact = { event_id, ...body, finality, incarnation } as EscrowFact
  return encodeMessage(escrowEvents, fact, {
    correlation_id: escrowWorkflow(body),
    traceparent,
    free: { first: String(first) }
  })
}
