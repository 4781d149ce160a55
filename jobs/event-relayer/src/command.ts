import {
  encodeMessage,
  escrowWorkflow,
  type OutgoingMessage,
  type SettlementCommand,
  settlementCommands
} from '@fusion-prime/events'
import type { FactBody } from './decode/escrow.ts'

/** A fact from which a command follows once it is final. */
export type SettledBody = Extract<FactBody, { event_type: keyof typeof commandTypes }>

/** What an escrow's deployment says and its ending may leave out. */
export type Terms = { payer: string; payee: string; asset_symbol: string }

const commandTypes = { EscrowDeployed: 'open', EscrowReleased: 'release', EscrowRefunded: 'refund' } as const

export const isSettled = (body: FactBody): body is SettledBody => Object.hasOwn(commandTypes, body.event_type)

/** The command that follows from a final fact. It has the id of the fact's `finalized` message; a rebuild's is byte-equal. */
export function commandMessage(
  { body, traceparent }: { body: SettledBody; traceparent: string },
  { event_id, terms }: { event_id: string; terms: Terms }
): OutgoingMessage {
  const command_type = commandTypes[body.event_type]
  const { payer, payee, asset_symbol, amount, escrow_address, chain_id } = { ...terms, ...body }
  const workflow_id = escrowWorkflow(body)
  const command = {
    event_id,
    event_type: `command_${command_type}`,
    command_id: event_id,
    command_type,
    workflow_id,
    account_ref: payer,
    asset_symbol,
    amount,
    payer,
    payee,
    escrow_address,
    chain_id,
    source_event_id: event_id,
    schema_version: 1
  } as SettlementCommand // its type and its event's fit, which a union of both can't say
  return encodeMessage(settlementCommands, command, { correlation_id: workflow_id, traceparent })
}
