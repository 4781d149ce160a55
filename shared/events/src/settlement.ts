import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { factId, uuid8 } from './ids.ts'
import { Address, AssetSymbol, BaseUnits, DerivedId, Nullable, Reference, SafeInteger, Uuid } from './scalars.ts'

const outcomeFields = {
  event_id: DerivedId,
  schema_version: Type.Literal(1),
  fact_id: DerivedId,
  chain_id: SafeInteger,
  escrow_address: Address,
  amount: BaseUnits,
  asset_symbol: AssetSymbol
}

/** The identity of an outcome: a replay of the fact publishes the same id. */
export const outcomeId = (fact_id: string, event_type: string): string => uuid8(`${fact_id}:${event_type}`)

function exampleOutcome<const Type extends string>(event_type: Type) {
  const fact_id = factId({
    chain_id: 31337,
    block_hash: `0x${'b1'.repeat(32)}`,
    transaction_hash: `0x${'7a'.repeat(32)}`,
    log_index: 1
  })
  const common = {
    event_id: outcomeId(fact_id, event_type),
    schema_version: 1,
    fact_id,
    chain_id: 31337,
    escrow_address: '0xa16e02e87b7454126e5e10d957a927a7f5b5d2be',
    amount: '1500000000000000000',
    asset_symbol: 'ETH'
  } as const
  return { event_type, ...common }
}

export const EscrowFundedOutcome = defineEvent({
  type: 'escrow_funded',
  version: 1,
  meaning: 'The deployment of the escrow is final: the deposit is held.',
  body: Type.Object({ event_type: Type.Literal('escrow_funded'), ...outcomeFields }),
  example: exampleOutcome('escrow_funded')
})

export const EscrowReleasedOutcome = defineEvent({
  type: 'escrow_released',
  version: 1,
  meaning: 'The release of the escrow is final: the payee has the deposit.',
  body: Type.Object({ event_type: Type.Literal('escrow_released'), ...outcomeFields }),
  example: exampleOutcome('escrow_released')
})

export const EscrowRefundedOutcome = defineEvent({
  type: 'escrow_refunded',
  version: 1,
  meaning: 'The refund of the escrow is final: the payer has the deposit back.',
  body: Type.Object({ event_type: Type.Literal('escrow_refunded'), ...outcomeFields }),
  example: exampleOutcome('escrow_refunded')
})

/** How a command came out. */
export type CommandOutcome = 'processed' | 'held' | 'rejected' | 'failed'

/** The identity of a command's n-th outcome of a kind; only `held` may come more than once. */
export const commandOutcomeId = (command: { command_id: string; outcome: CommandOutcome; n: number }): string =>
  uuid8(`${command.command_id}:${command.outcome}:${command.n}`)

const commandOutcomeFields = {
  event_id: DerivedId,
  schema_version: Type.Literal(1),
  command_id: Uuid,
  workflow_id: Reference,
  escrow_address: Nullable(Address),
  /** A stable code; null where the outcome says it all. */
  reason: Nullable(Type.String())
}

function exampleCommand<const Outcome extends CommandOutcome>(outcome: Outcome, reason: string | null) {
  const command_id = 'a3f0c3a5-5a0f-4c1e-9f6b-0d6b1b6f2c11'
  return {
    event_type: `command_${outcome}` as const,
    event_id: commandOutcomeId({ command_id, outcome, n: 1 }),
    schema_version: 1 as const,
    command_id,
    workflow_id: 'payout-17',
    escrow_address: null,
    reason
  }
}

export const CommandProcessed = defineEvent({
  type: 'command_processed',
  version: 1,
  meaning: 'The command was carried out.',
  body: Type.Object({ event_type: Type.Literal('command_processed'), ...commandOutcomeFields }),
  example: exampleCommand('processed', null)
})

export const CommandHeld = defineEvent({
  type: 'command_held',
  version: 1,
  meaning: 'The command waits for an operator, or for a service that was away.',
  body: Type.Object({ event_type: Type.Literal('command_held'), ...commandOutcomeFields }),
  example: exampleCommand('held', 'compliance_review')
})

export const CommandRejected = defineEvent({
  type: 'command_rejected',
  version: 1,
  meaning: 'The command is refused for good.',
  body: Type.Object({ event_type: Type.Literal('command_rejected'), ...commandOutcomeFields }),
  example: exampleCommand('rejected', 'compliance_rejected')
})

export const CommandFailed = defineEvent({
  type: 'command_failed',
  version: 1,
  meaning: 'The command itself can’t be carried out.',
  body: Type.Object({ event_type: Type.Literal('command_failed'), ...commandOutcomeFields }),
  example: exampleCommand('failed', 'asset_unknown')
})

const isEscrowOutcome = (body: { event_type: string }): body is SettlementOutcome =>
  body.event_type.startsWith('escrow_')

export const settlementEvents = defineTopic({
  name: 'settlement.events.v1',
  meaning: 'What settlement concluded from final facts, and what became of commands.',
  orderingKey: 'escrow_address',
  orderingKeyElse: 'workflow_id',
  publishers: ['settlement'],
  events: [
    EscrowFundedOutcome,
    EscrowReleasedOutcome,
    EscrowRefundedOutcome,
    CommandProcessed,
    CommandHeld,
    CommandRejected,
    CommandFailed
  ],
  attributes: [],
  freeAttributes: {},
  // The number of a command's outcome isn't in its body, so its id can't be computed from it.
  derivedIds: (body): Record<string, string> =>
    isEscrowOutcome(body) ? { event_id: outcomeId(body.fact_id, body.event_type) } : {}
})

export type SettlementOutcome = BodyOf<
  typeof EscrowFundedOutcome | typeof EscrowReleasedOutcome | typeof EscrowRefundedOutcome
>
export type CommandOutcomeEvent = BodyOf<
  typeof CommandProcessed | typeof CommandHeld | typeof CommandRejected | typeof CommandFailed
>
