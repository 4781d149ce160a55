import { Nullable, Reference } from '@fusion-prime/events'
import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import type { Sql } from '@fusion-prime/postgres'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Link } from './decision.ts'
import { publishYesterday } from './publish.ts'
import { replay } from './replay.ts'
import { findLink } from './store.ts'
import { verifyChain } from './verify.ts'

const Verdict = {
  status: Type.String({ description: 'approved, review or rejected' }),
  approved: Type.Boolean(),
  checks: Type.Array(Type.String(), { description: 'what was passed' }),
  reasons: Type.Array(Type.String(), { description: 'why it isn’t approved' })
}
const Decision = Type.Unknown({ description: 'all that was decided, and what it was decided from' })
const CheckView = Type.Object({
  check_id: Type.String(),
  ...Verdict,
  position: Type.Integer({ description: 'its place in the chain of decisions' }),
  decision: Decision,
  prev_hash: Type.String(),
  hash: Type.String({ description: 'SHA-256 over prev_hash and the decision’s canonical JSON (RFC 8785)' })
})
const ReplayView = Type.Object({
  same: Type.Boolean(),
  decision: Decision,
  replayed: Nullable(Type.Object(Verdict, { description: 'null: the list or rules of the time are missing' }))
})
const ReportView = Type.Object({
  ok: Type.Boolean(),
  checked: Type.Integer({ description: 'decisions that were found good, from the first on' }),
  first_bad: Nullable(
    Type.Object({
      check_id: Nullable(Type.String()),
      position: Type.Integer(),
      problem: Type.String({
        description: 'altered, unlinked, missing, head_missing, head_differs or day_differs'
      }),
      detail: Type.String()
    })
  )
})
const DayView = Type.Object({ day: Type.String(), count: Type.Integer(), hash: Type.String() })
const CheckParams = Type.Object({ id: Reference })
type ById = { Params: Static<typeof CheckParams> }

type AuditDeps = { sql: Sql; sweeper: OutboxSweeper; now: () => Date }

/** The chain of decisions: what stands in it, whether it is whole, and whether it would be decided the same. */
export function auditRoutes({ sql, sweeper, now }: AuditDeps): FastifyPluginAsync {
  const find = async (id: string): Promise<Link> => {
    const link = await findLink(sql, id)
    if (!link) throw new HttpProblem(404, `there is no compliance check ${id}`)
    return link
  }

  return async app => {
    const tags = ['compliance']

    app.get<ById>(
      '/compliance/checks/:id',
      {
        schema: {
          operationId: 'getComplianceCheck',
          summary: 'A decision and its place in the chain',
          tags,
          params: CheckParams,
          response: { 200: CheckView }
        }
      },
      async request => {
        const link = await find(request.params.id)
        const { status, approved, checks, reasons } = link.decision
        return { ...link, status, approved, checks, reasons }
      }
    )

    app.post<ById>(
      '/compliance/checks/:id/replay',
      {
        schema: {
          operationId: 'replayComplianceCheck',
          summary: 'Decide again with the list and the rules of the time',
          tags,
          params: CheckParams,
          response: { 200: ReplayView }
        }
      },
      async request => replay(sql, (await find(request.params.id)).decision)
    )

    app.get(
      '/compliance/audit/verify',
      {
        schema: {
          operationId: 'verifyAudit',
          summary: 'Whether any decision was altered or removed, and which',
          tags,
          response: { 200: ReportView }
        }
      },
      () => verifyChain(sql)
    )

    app.post(
      '/compliance/audit/publish',
      {
        schema: {
          operationId: 'publishAuditHead',
          summary: 'Publish the head at the end of yesterday, once',
          tags,
          response: { 200: DayView }
        }
      },
      async ({ caller, correlationId }) => {
        const act = { actor: caller, at: now(), correlation_id: correlationId, traceparent: newTraceparent() }
        const published = await publishYesterday(sql, act)
        await sweeper.flush()
        return published
      }
    )
  }
}
