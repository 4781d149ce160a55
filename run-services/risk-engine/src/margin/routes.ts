import { HttpProblem, type ServiceDeps } from '@fusion-prime/http'
import { Nullable, UserId } from '@fusion-prime/operations'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { userOf } from '../portfolio/subject.ts'
import { findHolder, listWatches, stopWatch } from './store.ts'
import { holderOf, MarginHealth, MarginRequest, MarginStatus, presentMargin } from './view.ts'
import { sweepStale, valueHolder, watchHolder } from './watch.ts'

export type MarginDeps = Pick<ServiceDeps, 'sql' | 'log' | 'sweeper' | 'now'> & { maxAgeSeconds: number }

const UserParams = Type.Object({ user_id: UserId })
const Stopped = Type.Object({ user_id: UserId, monitored: Type.Literal(false) })
const ListQuery = Type.Object({
  status: Type.Optional(MarginStatus),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 1_200 }))
})
const WatchPage = Type.Object({
  items: Type.Array(
    Type.Object({
      user_id: UserId,
      status: MarginStatus,
      health_score: Nullable(Type.Number()),
      evaluated_at: Type.String()
    })
  ),
  next_cursor: Nullable(Type.String())
})
const Swept = Type.Object({
  evaluated: Type.Integer({ description: 'users who lost a price' }),
  assets: Type.Array(Type.String(), { description: 'assets without a fresh price' })
})

/** The health of users' margins, and who is watched. */
export function marginRoutes(deps: MarginDeps): FastifyPluginAsync {
  const { sql, log, sweeper, maxAgeSeconds } = deps
  const notWatched = (user_id: string) =>
    new HttpProblem(404, `${user_id} is not watched: POST /api/v1/margin/health begins to`)

  return async app => {
    const tags = ['margin']

    app.post<{ Body: Static<typeof MarginRequest> }>(
      '/api/v1/margin/health',
      {
        schema: {
          operationId: 'evaluateMargin',
          summary: 'Evaluate a user’s margin, and watch it from now on',
          tags,
          body: MarginRequest,
          response: { 200: MarginHealth }
        }
      },
      async request => {
        const { monitor: monitored = true } = request.body
        const user_id = userOf(request.body.user_id)
        const holder = holderOf(request.body)
        if (!monitored) {
          return presentMargin(await valueHolder(sql, holder, deps), { user_id, monitored, maxAgeSeconds })
        }
        const valued = await watchHolder(sql, { user_id, ...holder, cause: causeOf(request) }, deps)
        if (valued.announced || sweeper.isBehind()) await sweeper.flush()
        return presentMargin(valued, { user_id, monitored, maxAgeSeconds })
      }
    )

    app.get<{ Params: Static<typeof UserParams> }>(
      '/api/v1/margin/health/:user_id',
      {
        schema: {
          operationId: 'getMargin',
          summary: 'The margin of a watched user, at the prices of now',
          tags,
          params: UserParams,
          response: { 200: MarginHealth }
        }
      },
      async request => {
        const user_id = userOf(request.params.user_id)
        const holder = await findHolder(sql, user_id)
        if (!holder) throw notWatched(user_id)
        return presentMargin(await valueHolder(sql, holder, deps), { user_id, monitored: true, maxAgeSeconds })
      }
    )

    app.delete<{ Params: Static<typeof UserParams> }>(
      '/api/v1/margin/health/:user_id',
      {
        schema: {
          operationId: 'stopWatchingMargin',
          summary: 'Stop watching a user, and forget the positions',
          tags,
          params: UserParams,
          response: { 200: Stopped }
        }
      },
      async request => {
        const user_id = userOf(request.params.user_id)
        if (!(await stopWatch(sql, user_id))) throw notWatched(user_id)
        return { user_id, monitored: false as const }
      }
    )

    app.get<{ Querystring: Static<typeof ListQuery> }>(
      '/api/v1/margin/users',
      {
        schema: {
          operationId: 'listMargins',
          summary: 'Watched users as they stood when a price last moved, a page at a time',
          tags,
          querystring: ListQuery,
          response: { 200: WatchPage }
        }
      },
      async request => {
        const { status, limit = 50, cursor } = request.query
        const after = cursor === undefined ? '' : parseCursor(cursor)
        const items = await listWatches(sql, { status, after, limit: limit + 1 })
        const page = items.slice(0, limit)
        const last = page.at(-1)
        return { items: page, next_cursor: items.length > limit && last ? formatCursor(last.user_id) : null }
      }
    )

    app.post(
      '/margin/sweep',
      {
        schema: {
          operationId: 'sweepMargin',
          summary: 'Find watched users whose prices went stale',
          tags: ['maintenance'],
          response: { 200: Swept }
        }
      },
      async request => {
        const swept = await sweepStale(sql, causeOf(request), deps)
        if (swept.evaluated > 0) log.error(swept, 'margin_prices_stale')
        await sweeper.flush()
        return swept
      }
    )
  }
}

const causeOf = (request: FastifyRequest) => ({
  correlation_id: request.correlationId,
  traceparent: newTraceparent()
})

const formatCursor = (user_id: string): string => Buffer.from(user_id).toString('base64url')

function parseCursor(cursor: string): string {
  const user_id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[^\s\p{C}]+$/u.test(user_id)) throw new HttpProblem(400, 'cursor is not one that this service gave')
  return user_id
}
