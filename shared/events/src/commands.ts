import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { escrowWorkflow, eventId } from './ids.ts'
import { Address, AssetSymbol, BaseUnits, Nullable, Reference, SafeInteger, Uuid } from './scalars.ts'

/** What a client gives, and what every command message carries besides its identity. */
export const commandFields = {
  command_id: Uuid,
  workflow_id: Reference,
  /** Whose account it is; `user_id` towards risk-engine and compliance. */
  account_ref: Reference,
  asset_symbol: AssetSymbol,
  amount: BaseUnits,
  payer: Address,
  payee: Address,
  escrow_address: Nullable(Address),
  chain_id: Nullable(SafeInteger),
  /** The finalized event of a fact from which the command was derived; null for a client's own. */
  source_event_id: Nullable(Uuid),
  schema_version: Type.Literal(1)
}

const escrow = { chain_id: 31337, escrow_address: '0xa16e02e87b7454126e5e10d957a927a7f5b5d2be' }
const source = eventId({
  chain_id: 31337,
  block_hash: `0x${'b1'.repeat(32)}`,
  transaction_hash: `0x${'7a'.repeat(32)}`,
  log_index: 1,
  finality: 'finalized',
  incarnation: 1
})
const example = {
  event_id: source,
  command_id: source,
  workflow_id: escrowWorkflow(escrow),
  account_ref: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  asset_symbol: 'ETH',
  amount: '1500000000000000000',
  payer: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  payee: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  ...escrow,
  source_event_id: source,
  schema_version: 1
} as const

export const CommandOpen = defineEvent({
  type: 'command_open',
  version: 1,
  meaning: 'Settle that an escrow was opened with a deposit.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('command_open'),
    command_type: Type.Literal('open'),
    ...commandFields
  }),
  example: { event_type: 'command_open', command_type: 'open', ...example }
})

export const CommandRelease = defineEvent({
  type: 'command_release',
  version: 1,
  meaning: 'Settle that a deposit went to the payee.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('command_release'),
    command_type: Type.Literal('release'),
    ...commandFields
  }),
  example: { event_type: 'command_release', command_type: 'release', ...example }
})

export const CommandRefund = defineEvent({
  type: 'command_refund',
  version: 1,
  meaning: 'Settle that a deposit went back to the payer.',
  body: Type.Object({
    event_id: Uuid,
    event_type: Type.Literal('command_refund'),
    command_type: Type.Literal('refund'),
    ...commandFields
  }),
  example: { event_type: 'command_refund', command_type: 'refund', ...example }
})

export const settlementCommands = defineTopic({
  name: 'settlement-commands',
  meaning: 'Instructions derived from finalized facts, or given by clients.',
  orderingKey: 'workflow_id',
  publishers: ['event-relayer', 'settlement'],
  events: [CommandOpen, CommandRelease, CommandRefund],
  attributes: [],
  freeAttributes: {},
  complete: body => ({ event_id: body.command_id, event_type: `command_${String(body.command_type)}`, ...body }),
  derivedIds: body => ({ event_id: body.command_id })
})

export type SettlementCommand = BodyOf<(typeof settlementCommands.events)[number]>
export type CommandType = SettlementCommand['command_type']
