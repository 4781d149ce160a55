import { Nullable, RiskLevel } from '@fusion-prime/operations'
import { type Static, Type } from 'typebox'
import type { Command } from './store.ts'

const Time = Type.String({ description: 'ISO 8601, UTC' })

export const CommandStatus = Type.Enum(['received', 'processed', 'held', 'rejected', 'failed'])

/** What is asked for a command by name. Ids are taken in any case. */
export const CommandParams = Type.Object({
  command_id: Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' })
})

export const CommandView = Type.Object({
  command_id: Type.String(),
  command_type: Type.String(),
  workflow_id: Type.String(),
  account_ref: Type.String(),
  asset_symbol: Type.String(),
  amount: Type.String({ description: 'base units' }),
  payer: Type.String(),
  payee: Type.String(),
  escrow_address: Nullable(Type.String()),
  chain_id: Nullable(Type.Integer()),
  source_event_id: Nullable(Type.String()),
  status: CommandStatus,
  reason: Nullable(Type.String({ description: 'a stable code' })),
  risk: Nullable(
    Type.Object({
      risk_score: Nullable(Type.Number()),
      risk_level: RiskLevel,
      margin_available: Nullable(Type.String({ description: 'USD' })),
      degraded: Type.Boolean({ description: 'risk-engine was away; this is a fallback' })
    })
  ),
  compliance: Nullable(
    Type.Object({
      status: Type.Enum(['approved', 'review', 'rejected', 'unreachable']),
      approved: Type.Boolean(),
      checks: Type.Array(Type.String()),
      reasons: Type.Array(Type.String())
    })
  ),
  resolution: Nullable(
    Type.Object({
      to: Type.Enum(['processed', 'rejected']),
      reason: Type.String(),
      resolved_by: Type.String(),
      resolved_at: Time
    })
  ),
  created_at: Time,
  updated_at: Time
})

/** A command as a client sees it. */
export function viewOf(command: Command): Static<typeof CommandView> {
  const { digest, held_count, correlation_id, traceparent, compliance, ...seen } = command
  return { ...seen, compliance: compliance && { ...compliance, approved: compliance.status === 'approved' } }
}
