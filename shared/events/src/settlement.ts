import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { factId, uuid8 } from './ids.ts'
import { Address, AssetSymbol, BaseUnits, DerivedId, SafeInteger } from './scalars.ts'

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

export const settlementEvents = defineTopic({
  name: 'settlement.events.v1',
  meaning: 'What settlement concluded from final facts.',
  orderingKey: 'escrow_address',
  publishers: ['settlement'],
  events: [EscrowFundedOutcome, EscrowReleasedOutcome, EscrowRefundedOutcome],
  attributes: [],
  freeAttributes: {},
  derivedIds: body => ({ event_id: outcomeId(body.fact_id, body.event_type) })
})

export type SettlementOutcome = BodyOf<(typeof settlementEvents.events)[number]>
