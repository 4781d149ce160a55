import type { Sql } from '@fusion-prime/postgres'
import { outboxDepth } from '@fusion-prime/postgres'
import { describeError } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import type { Metrics } from './metrics.ts'

/** A readiness check waits this long for the database. */
const PING_MS = 2_000

export type HealthDeps = {
  name: string
  sql: Sql
  metrics: Metrics
  details?: (() => Promise<Record<string, unknown>>) | undefined
  /** Why no work is done although the database answers; undefined while all is well. */
  unready?: (() => string | undefined) | undefined
  notes?: HealthNotes | undefined
}

/** More that `/health/ready` and `/health/detailed` tell; it doesn't decide readiness. */
export type HealthNotes = (state: {
  databaseAnswers: boolean
}) => Record<string, unknown> | Promise<Record<string, unknown>>

const open = { config: { access: 'open' as const }, schema: { hide: true } }

/** `/health` and `/health/live` tell that the process answers; `/health/ready` that it can work; `/health/detailed` why. */
export function healthRoutes({ name, sql, metrics, details, unready, notes }: HealthDeps): FastifyPluginAsync {
  return async app => {
    let stopping = false
    const startedAt = Date.now()
    app.addHook('preClose', async () => {
      stopping = true
    })

    app.get('/health', open, async () => ({ status: 'ok', service: name }))
    app.get('/health/live', open, async () => ({ status: 'ok' }))

    app.get('/health/ready', open, async (_request, reply) => {
      const database = await ping(sql)
      const reason = unready?.()
      const ready = !stopping && database === 'ok' && reason === undefined
      reply.status(ready ? 200 : 503)
      return {
        status: ready ? 'ready' : 'not_ready',
        stopping,
        database: database === 'ok' ? 'ok' : 'unreachable',
        ...(await notes?.({ databaseAnswers: database === 'ok' })),
        ...(reason !== undefined && { reason })
      }
    })

    app.get('/health/detailed', open, async (_request, reply) => {
      const database = await ping(sql)
      const healthy = !stopping && database === 'ok'
      reply.status(healthy ? 200 : 503)
      return {
        status: healthy ? 'ok' : 'degraded',
        service: name,
        uptime_seconds: Math.round((Date.now() - startedAt) / 1000),
        database: database === 'ok' ? 'ok' : 'unreachable',
        ...(await notes?.({ databaseAnswers: database === 'ok' })),
        ...(healthy && { outbox: await outboxDepth(sql), ...(await details?.()) })
      }
    })

    app.get('/metrics', open, async (_request, reply) => {
      reply.type(metrics.registry.contentType)
      return metrics.registry.metrics()
    })
  }
}

async function ping(sql: Sql): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve('no answer'), PING_MS)
  })
  const answered = sql`select 1`.then(
    () => 'ok',
    error => describeError(error)
  )
  const result = await Promise.race([answered, late])
  clearTimeout(timer)
  return result
}
