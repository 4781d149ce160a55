import { toWholeUnits } from '@fusion-prime/chain/assets'
import { parseJsonObject, type SettlementCommand } from '@fusion-prime/events'
import type { CallContext, ServiceClient } from '@fusion-prime/http'
import { assessPortfolio, checkCompliance } from '@fusion-prime/operations'
import { type Decision, decide, failureOf } from './command.ts'

type Callee = Pick<ServiceClient, 'call'>

/** Who is asked before a command is settled. */
export type Callees = { risk: Callee; compliance: Callee }

export type Assessed = Pick<
  SettlementCommand,
  'command_id' | 'workflow_id' | 'account_ref' | 'asset_symbol' | 'amount' | 'payer' | 'payee' | 'escrow_address'
>

/** Asks risk-engine and compliance at once, and decides. Throws when the signal is aborted; never called inside a transaction. */
export async function assess(
  command: Assessed,
  { risk, compliance, ...context }: Callees & CallContext
): Promise<Decision> {
  const failure = failureOf(command)
  if (failure) return failure
  const { command_id: check_id, workflow_id, account_ref: user_id, asset_symbol: asset, escrow_address } = command
  const amount = toWholeUnits(asset, BigInt(command.amount))
  const parties = { payer_address: command.payer, payee_address: command.payee }
  const [assessed, checked] = await Promise.all([
    risk.call(assessPortfolio, { user_id, positions: [{ asset, amount, escrow_address }] }, context),
    compliance.call(checkCompliance, { check_id, workflow_id, user_id, ...parties, amount, asset }, context)
  ])
  return decide({ risk: answerOf(assessed), compliance: answerOf(checked) })
}

/** A text that Postgres can't hold makes an answer garbage. */
function answerOf<Answer>(result: { ok: true; answer: Answer } | { ok: false }): Answer | undefined {
  return result.ok && 'value' in parseJsonObject(JSON.stringify(result.answer)) ? result.answer : undefined
}
