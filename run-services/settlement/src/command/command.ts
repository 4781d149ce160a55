import { decimalsOf } from '@fusion-prime/chain/assets'
import {
  type CommandOutcome,
  commandOutcomeId,
  encodeMessage,
  type OutgoingMessage,
  type SettlementCommand,
  settlementEvents
} from '@fusion-prime/events'
import type { AnswerOf, assessPortfolio, checkCompliance } from '@fusion-prime/operations'
import { childTraceparent } from '@fusion-prime/runtime'

type RiskAnswer = AnswerOf<typeof assessPortfolio>
type ComplianceAnswer = AnswerOf<typeof checkCompliance>

/** What the callees said; undefined from one that is away. */
export type Answers = { risk: RiskAnswer | undefined; compliance: ComplianceAnswer | undefined }

/** The risk of the command; `degraded` when the risk engine was away and a fallback stands in. */
export type RiskFinding = RiskAnswer & { degraded: boolean }
export type ComplianceFinding = {
  status: ComplianceAnswer['status'] | 'unreachable'
  checks: string[]
  reasons: string[]
}

/** How a command comes out: `reason` is a stable code, null where the status says it all. */
export type Decision = {
  status: CommandOutcome
  reason: string | null
  /** Null where the callees weren't asked. */
  risk: RiskFinding | null
  compliance: ComplianceFinding | null
}

/** The command can't be done whatever others say; undefined for one that can. */
export const failureOf = ({ asset_symbol }: Pick<SettlementCommand, 'asset_symbol'>): Decision | undefined =>
  decimalsOf(asset_symbol) === undefined
    ? { status: 'failed', reason: 'asset_unknown', risk: null, compliance: null }
    : undefined

/** Rejected wins over held. Without the risk engine there is a fallback; without compliance nothing is approved. */
export function decide(answers: Answers): Decision {
  const risk = riskOf(answers.risk)
  const compliance = complianceOf(answers.compliance)
  if (compliance.status === 'rejected') return { status: 'rejected', reason: 'compliance_rejected', risk, compliance }
  const reason = holdReason(risk, compliance)
  return { status: reason === null ? 'processed' : 'held', reason, risk, compliance }
}

const riskOf = (answer: RiskAnswer | undefined): RiskFinding =>
  answer
    ? { ...answer, degraded: false }
    : { risk_score: 0.5, risk_level: 'medium', margin_available: null, degraded: true }

function complianceOf(answer: ComplianceAnswer | undefined): ComplianceFinding {
  if (!answer) return { status: 'unreachable', checks: [], reasons: [] }
  const { status, approved, checks, reasons } = answer
  // An approval that contradicts itself is none.
  return { status: status === 'approved' && !approved ? 'review' : status, checks, reasons }
}

function holdReason({ risk_level }: RiskFinding, { status }: ComplianceFinding): string | null {
  if (status !== 'approved') return `compliance_${status}`
  return risk_level === 'low' || risk_level === 'medium' ? null : `risk_${risk_level}`
}

/** What is needed of a command to tell others what became of it. */
export type Announced = Pick<SettlementCommand, 'command_id' | 'workflow_id' | 'escrow_address'> & {
  correlation_id: string
  traceparent: string
}

/** The outcome as a message; `n` numbers outcomes of a kind, and only `held` has more than one. */
export function announce(
  command: Announced,
  { status, reason, n }: Pick<Decision, 'status' | 'reason'> & { n: number }
): OutgoingMessage {
  const { command_id, workflow_id, escrow_address, correlation_id, traceparent } = command
  const event_id = commandOutcomeId({ command_id, outcome: status, n })
  const subject = { event_id, schema_version: 1 as const, command_id, workflow_id, escrow_address }
  const event = { event_type: `command_${status}` as const, ...subject, reason }
  return encodeMessage(settlementEvents, event, { correlation_id, traceparent: childTraceparent(traceparent) })
}
