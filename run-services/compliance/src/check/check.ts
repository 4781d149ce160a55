import { randomUUID } from 'node:crypto'
import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import { appendOutbox, type Sql, transaction } from '@fusion-prime/postgres'
import { announceDay, announceDecision } from '../audit/announce.ts'
import { canonical, dayOf } from '../audit/chain.ts'
import type { Decision } from '../audit/decision.ts'
import { appendDecision, findLink } from '../audit/store.ts'
import { type KycDeps, screenUsers } from '../kyc/cases.ts'
import type { Act } from '../kyc/move.ts'
import type { KeepList } from '../sanctions/snapshots.ts'
import { decide, type Input, type Limits, usdOf } from './decide.ts'
import { type FoundPrice, gatherFacts } from './facts.ts'
import { RULES_VERSION } from './rules.ts'
import { lockCheck } from './store.ts'

export type CheckDeps = KycDeps & {
  sweeper: OutboxSweeper
  limits: Limits
  keepList: KeepList
  findPrice(sql: Sql, query: { asset: string; now: Date }): Promise<FoundPrice | undefined>
}

/**
 * Decides whether a payment may be made, and chains the decision. The same id and question give the same answer for ever; the same id
 * with another question is refused. Everything that isn't known leads to a review, never to an approval.
 */
export async function check(
  deps: CheckDeps,
  { check_id = randomUUID(), input }: { check_id: string | undefined; input: Input },
  act: Act
): Promise<Decision> {
  const { sql, sanctions, kycValidDays, findName, limits } = deps
  const before = await findLink(sql, check_id)
  if (before) return sameQuestion(before.decision, input)
  const { user_id, payee_address, amount_usd, asset } = input
  const list = sanctions.current()
  if (list) {
    await deps.keepList(sql, list)
    await screenUsers(deps, { userIds: [user_id, payee_address], list, act })
  }
  const price = amount_usd === null ? await deps.findPrice(sql, { asset, now: act.at }) : undefined

  const decision = await transaction(sql, async tx => {
    await lockCheck(tx, { check_id, user_id })
    const meanwhile = await findLink(tx, check_id)
    if (meanwhile) return sameQuestion(meanwhile.decision, input)
    const facts = await gatherFacts(tx, { input, list, price, at: act.at, kycValidDays, findName })
    const verdict = decide(input, { facts, limits })
    const rules = { version: RULES_VERSION, ...limits }
    const decision: Decision = { check_id, decided_at: act.at.toISOString(), rules, input, facts, ...verdict }
    await appendOutbox(tx, [announceDecision(decision, act)])
    const { ended } = await appendDecision(tx, {
      decision,
      payment: {
        user_id,
        payment_ref: input.workflow_id ?? check_id,
        amount_usd: usdOf(input, facts)?.toFixed() ?? null,
        counts: verdict.status !== 'rejected'
      },
      day: dayOf(act.at)
    })
    if (ended) await announceDay(tx, { ...ended, act })
    return decision
  })
  await deps.sweeper.flush()
  const { status, reasons } = decision
  deps.log.info({ check_id, status, reasons, correlation_id: act.correlation_id }, 'compliance_decided')
  return decision
}

function sameQuestion(decision: Decision, input: Input): Decision {
  if (canonical(decision.input) === canonical(input)) return decision
  throw new HttpProblem(409, `check ${decision.check_id} was asked with another body: use another check_id`)
}
