import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  ApprovalGranted,
  ArbiterChanged,
  EscrowDeployed,
  type EscrowFact,
  EscrowRefunded,
  EscrowReleased,
  encodeMessage,
  escrowEvents,
  escrowWorkflow,
  eventId,
  type Finality,
  factId
} from '@fusion-prime/events'

type FactType = EscrowFact['event_type']
type FactOf<Type extends FactType> = Extract<EscrowFact, { event_type: Type }>

const examples: { [Type in FactType]: FactOf<Type> } = {
  EscrowDeployed: EscrowDeployed.example,
  ApprovalGranted: ApprovalGranted.example,
  EscrowReleased: EscrowReleased.example,
  EscrowRefunded: EscrowRefunded.example,
  ArbiterChanged: ArbiterChanged.example
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The same name gives the same address; lower case. */
export const testAddress = (name: string): string => `0x${digest(name).slice(0, 40)}`
/** The same name gives the same block or transaction hash. */
export const testHash = (name: string): string => `0x${digest(name)}`

/** The catalogue's example with other values: unless said, just seen, in block 1, as log 0, in a transaction of its own. Its ids fit. */
export function createFact<Type extends FactType>(event_type: Type, values: Partial<FactOf<Type>> = {}): FactOf<Type> {
  const { finality = 'seen', incarnation = 1, ...given } = values
  const placed = { ...examples[event_type], block_number: 1, log_index: 0, ...given }
  const { escrow_address, block_number, log_index } = placed
  const hashes = {
    block_hash: testHash(`block ${block_number}`),
    transaction_hash: testHash(`transaction ${escrow_address} ${block_number} ${log_index}`)
  }
  return atLevel({ ...placed, ...hashes, ...given }, finality, incarnation)
}

/** The same fact at another level, or reverted. */
export function atLevel<Fact extends EscrowFact>(fact: Fact, finality: Finality, incarnation = 1): Fact {
  const moved = { ...fact, finality, incarnation }
  return { ...moved, fact_id: factId(moved), event_id: eventId(moved) }
}

/** Prefix of the names of the subscriptions that push in tests. */
export const PUSH_PREFIX = 'projects/test/subscriptions/'

/** A push of a fact as Pub/Sub would make it, for Fastify's `inject`. */
export function pushOf(subscription: string, fact: EscrowFact): { method: 'POST'; url: string; payload: object } {
  const { topic, data, attributes, ordering_key } = encodeMessage(escrowEvents, fact, {
    correlation_id: escrowWorkflow(fact),
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    free: { first: String(fact.finality !== 'reverted') }
  })
  const message = {
    data: Buffer.from(data).toString('base64'),
    messageId: fact.event_id,
    attributes,
    orderingKey: ordering_key
  }
  return {
    method: 'POST',
    url: `/pubsub/${topic}`,
    payload: { message, subscription: `${PUSH_PREFIX}${subscription}` }
  }
}
