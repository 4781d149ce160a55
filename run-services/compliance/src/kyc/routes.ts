import { Nullable, Reference } from '@fusion-prime/events'
import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { wordsOf } from '../sanctions/names/normalise.ts'
import { eraseCase, type KycDeps, moveCase, openCase } from './cases.ts'
import { kycStatuses, statusAt, userKey } from './kyc.ts'
import type { Act } from './move.ts'
import { findCase, findNewestCases, findTransitions, type KnownCase } from './store.ts'

const Status = Type.Enum([...kycStatuses])
/** Readable, and nothing that Postgres can't hold. */
const Words = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\p{C}]*[^\\p{C}\\s][^\\p{C}]*$' })

const Application = Type.Object({
  user_id: Reference,
  full_name: Words(200),
  country: Type.String({ pattern: '^[A-Za-z]{2}$', description: 'ISO 3166-1 alpha-2' })
})
const Transition = Type.Object({ to: Status, reason: Words(1_000) })
const CaseParams = Type.Object({ id: Type.String({ format: 'uuid' }) })
const UserParams = Type.Object({ user_id: Reference })

const CaseView = Type.Object({
  case_id: Type.String(),
  user_id: Type.String(),
  status: Status,
  verified_at: Nullable(Type.String()),
  identity: Nullable(
    Type.Object(
      {
        full_name: Type.String(),
        country: Type.String(),
        match: Nullable(Type.Object({ name: Type.String(), list: Type.String(), score: Type.Number() }))
      },
      { description: 'null once it was erased; match: an entry of a sanctions list that the name is like' }
    )
  ),
  history: Type.Array(
    Type.Object({
      from: Nullable(Status),
      to: Status,
      reason: Nullable(Type.String()),
      actor: Type.String(),
      at: Type.String()
    })
  ),
  created_at: Type.String(),
  updated_at: Type.String()
})
const UserView = Type.Object({
  user_id: Type.String(),
  status: Status,
  case_id: Type.String(),
  verified_at: Nullable(Type.String()),
  valid_until: Nullable(Type.String())
})

const DAY_MS = 86_400_000

/** Who users are. Only these routes show personal data. */
export function kycRoutes(deps: KycDeps & { now: () => Date; sweeper: OutboxSweeper }): FastifyPluginAsync {
  const { sql, now, kycValidDays, sweeper } = deps
  const actOf = ({ caller, correlationId }: FastifyRequest): Act => ({
    actor: caller,
    at: now(),
    correlation_id: correlationId,
    traceparent: newTraceparent()
  })
  const currentStatus = (one: KnownCase) => statusAt(one, { now: now(), validDays: kycValidDays })

  async function view(one: KnownCase): Promise<Static<typeof CaseView>> {
    const { case_id, user_id, identity } = one
    const history = await findTransitions(sql, case_id)
    return {
      case_id,
      user_id,
      status: currentStatus(one),
      verified_at: one.verified_at?.toISOString() ?? null,
      identity: identity ? { full_name: identity.full_name, country: identity.country, match: identity.match } : null,
      history: history.map(({ from_status, to_status, reason, actor, at }) => ({
        from: from_status,
        to: to_status,
        reason,
        actor,
        at: at.toISOString()
      })),
      created_at: one.created_at.toISOString(),
      updated_at: one.updated_at.toISOString()
    }
  }

  return async app => {
    const tags = ['kyc']
    const response = { 200: CaseView }

    app.post<{ Body: Static<typeof Application> }>(
      '/kyc/cases',
      {
        schema: {
          operationId: 'openKycCase',
          summary: 'Open a KYC case; its name is screened at once',
          tags,
          body: Application,
          response: { 201: CaseView }
        }
      },
      async (request, reply) => {
        const { user_id, full_name, country } = request.body
        if (wordsOf(full_name).length === 0)
          throw new HttpProblem(400, 'full_name has nothing that could be screened: give it in letters')
        const application = { user_id: userKey(user_id), full_name: full_name.trim(), country: country.toUpperCase() }
        const opened = await openCase(deps, application, actOf(request))
        await sweeper.flush()
        return reply.status(201).send(await view(opened))
      }
    )

    app.get<{ Params: Static<typeof CaseParams> }>(
      '/kyc/cases/:id',
      {
        schema: { operationId: 'getKycCase', summary: 'A KYC case and its history', tags, params: CaseParams, response }
      },
      async request => {
        const found = await findCase(sql, request.params.id)
        if (!found) throw new HttpProblem(404, `there is no KYC case ${request.params.id}`)
        return view(found)
      }
    )

    app.post<{ Params: Static<typeof CaseParams>; Body: Static<typeof Transition> }>(
      '/kyc/cases/:id/transitions',
      {
        schema: {
          operationId: 'moveKycCase',
          summary: 'Move a KYC case to another state',
          tags,
          params: CaseParams,
          body: Transition,
          response
        }
      },
      async request => {
        const { to, reason } = request.body
        try {
          return await view(await moveCase(deps, { case_id: request.params.id, to, reason }, actOf(request)))
        } finally {
          await sweeper.flush() // a refused move may have put the case into review
        }
      }
    )

    app.post<{ Params: Static<typeof CaseParams> }>(
      '/kyc/cases/:id/erasure',
      {
        schema: {
          operationId: 'eraseKycCase',
          summary: 'Erase the personal data of a KYC case; what was decided stays provable',
          tags,
          params: CaseParams,
          response
        }
      },
      async request => {
        const erased = await eraseCase(deps, request.params.id, actOf(request))
        await sweeper.flush()
        return view(erased)
      }
    )

    app.get<{ Params: Static<typeof UserParams> }>(
      '/kyc/users/:user_id',
      {
        schema: {
          operationId: 'getKycUser',
          summary: 'The KYC state of a user, without personal data',
          tags,
          params: UserParams,
          response: { 200: UserView }
        }
      },
      async (request): Promise<Static<typeof UserView>> => {
        const user_id = userKey(request.params.user_id)
        const found = (await findNewestCases(sql, [user_id])).get(user_id)
        if (!found) throw new HttpProblem(404, `there is no KYC case of user ${user_id}`)
        const { case_id, verified_at } = found
        const validUntil = verified_at && new Date(verified_at.getTime() + kycValidDays * DAY_MS)
        return {
          user_id,
          status: currentStatus(found),
          case_id,
          verified_at: verified_at?.toISOString() ?? null,
          valid_until: validUntil?.toISOString() ?? null
        }
      }
    )
  }
}
