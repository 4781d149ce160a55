import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { eventId, factId } from './ids.ts'
import { Address, AssetSymbol, BaseUnits, DerivedId, Hash, SafeInteger, Seconds, UtcTime } from './scalars.ts'

/** What every fact says: which log in which block, and how far it has come. */
const factFields = {
  event_id: DerivedId,
  fact_id: DerivedId,
  schema_version: Type.Literal(1),
  chain_id: SafeInteger,
  block_number: SafeInteger,
  block_hash: Hash,
  block_timestamp: UtcTime,
  transaction_hash: Hash,
  log_index: SafeInteger,
  finality: Type.Union([
    Type.Literal('seen'),
    Type.Literal('safe'),
    Type.Literal('finalized'),
    Type.Literal('reverted')
  ]),
  incarnation: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  factory_address: Address,
  escrow_address: Address,
  /** On a revert: the event_id of the newest level that was put in the outbox. To read, not to match by. */
  reverts: Type.Optional(DerivedId),
  /** On a revert: an operator resumed below finality; consumers undo and alert. */
  forced: Type.Optional(Type.Boolean())
}

const place = {
  chain_id: 31337,
  block_hash: `0x${'b1'.repeat(32)}`,
  transaction_hash: `0x${'7a'.repeat(32)}`,
  log_index: 1
}
const exampleFact = {
  event_id: eventId({ ...place, finality: 'finalized', incarnation: 1 }),
  fact_id: factId(place),
  schema_version: 1,
  ...place,
  block_number: 12,
  block_timestamp: '2026-01-31T12:00:00Z',
  finality: 'finalized',
  incarnation: 1,
  factory_address: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
  escrow_address: '0xa16e02e87b7454126e5e10d957a927a7f5b5d2be'
} as const
const payer = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const payee = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const arbiter = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

export const EscrowDeployed = defineEvent({
  type: 'EscrowDeployed',
  version: 1,
  meaning: 'A watched factory deployed an escrow that holds the payer’s deposit.',
  body: Type.Object({
    event_type: Type.Literal('EscrowDeployed'),
    ...factFields,
    payer: Address,
    payee: Address,
    arbiter: Type.Union([Address, Type.Null()]),
    amount: BaseUnits,
    asset_symbol: AssetSymbol,
    release_delay: Type.Union([Seconds, Type.Null()]),
    approvals_required: Type.Union([SafeInteger, Type.Null()])
  }),
  example: {
    event_type: 'EscrowDeployed',
    ...exampleFact,
    payer,
    payee,
    arbiter,
    amount: '1500000000000000000',
    asset_symbol: 'ETH',
    release_delay: '86400',
    approvals_required: 2
  }
})

export const ApprovalGranted = defineEvent({
  type: 'ApprovalGranted',
  version: 1,
  meaning: 'Someone approved the release of the escrow.',
  body: Type.Object({ event_type: Type.Literal('ApprovalGranted'), ...factFields, approver: Address }),
  example: { event_type: 'ApprovalGranted', ...exampleFact, approver: payer }
})

export const EscrowReleased = defineEvent({
  type: 'EscrowReleased',
  version: 1,
  meaning: 'The escrow paid its payee. Ends the escrow.',
  body: Type.Object({ event_type: Type.Literal('EscrowReleased'), ...factFields, payee: Address, amount: BaseUnits }),
  example: { event_type: 'EscrowReleased', ...exampleFact, payee, amount: '1500000000000000000' }
})

export const EscrowRefunded = defineEvent({
  type: 'EscrowRefunded',
  version: 1,
  meaning: 'The escrow paid the deposit back to its payer. Ends the escrow.',
  body: Type.Object({ event_type: Type.Literal('EscrowRefunded'), ...factFields, payer: Address, amount: BaseUnits }),
  example: { event_type: 'EscrowRefunded', ...exampleFact, payer, amount: '1500000000000000000' }
})

export const ArbiterChanged = defineEvent({
  type: 'ArbiterChanged',
  version: 1,
  meaning: 'The arbiter of the escrow named another arbiter.',
  body: Type.Object({
    event_type: Type.Literal('ArbiterChanged'),
    ...factFields,
    old_arbiter: Address,
    new_arbiter: Address
  }),
  example: {
    event_type: 'ArbiterChanged',
    ...exampleFact,
    old_arbiter: arbiter,
    new_arbiter: '0x90f79bf6eb2c4f870365e785982e1f101e93b906'
  }
})

export const escrowEvents = defineTopic({
  name: 'escrow-events',
  meaning: 'Facts decoded from the chain, once per level that they reach, and their reverts.',
  orderingKey: 'escrow_address',
  publishers: ['event-relayer'],
  events: [EscrowDeployed, ApprovalGranted, EscrowReleased, EscrowRefunded, ArbiterChanged],
  attributes: ['fact_id', 'chain_id', 'finality', 'incarnation'],
  freeAttributes: { first: ['true', 'false'] },
  derivedIds: body => ({ fact_id: factId(body), event_id: eventId(body) })
})

/** A fact as it travels: one log in one block, at one level. */
export type EscrowFact = BodyOf<(typeof escrowEvents.events)[number]>

/** What log lines say of a fact, the same at every stage. */
export function describeFact({
  event_type,
  fact_id,
  escrow_address,
  block_number,
  finality
}: EscrowFact): Record<string, unknown> {
  return { event_type, fact_id, escrow_address, block_number, finality }
}
