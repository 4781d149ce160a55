import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { isConflict, isConnectionFault, type Sql } from '@fusion-prime/postgres'
import { createConnectionEnd, type Log, PermanentError } from '@fusion-prime/runtime'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController
} from 'fastify'
import { type HealthNotes, healthRoutes } from './health.ts'
import type { Metrics } from './metrics.ts'
import { HttpProblem, sendProblem } from './problem.ts'
import type { ServiceAuth } from './service-auth.ts'
import { validatorCompiler } from './validate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `callers` (the default): allowed service accounts; `push`: the route checks Pub/Sub’s token itself; `open`: no token. */
    access?: 'callers' | 'push' | 'open'
  }
  interface FastifyRequest {
    correlationId: string
    /** Email of the account that calls; `anonymous` where nobody is asked for a token. */
    caller: string
  }
}

/** Largest body, in bytes; publishers send at most 64 KiB, which base64 and the envelope make larger. */
const BODY_LIMIT = 262_144

/** A user's or an account's name: 200 characters, each of up to two of JavaScript's. */
const MAX_PARAM_LENGTH = 400

export type AppDeps = {
  name: string
  /** What the service is for, in a sentence; it heads the OpenAPI document. */
  description: string
  log: Log
  sql: Sql
  metrics: Metrics
  /** Undefined only with SERVICE_AUTH_MODE=none. */
  serviceAuth: ServiceAuth | undefined
  /** More that `/health/detailed` tells. */
  details?: (() => Promise<Record<string, unknown>>) | undefined
  /** Why the service isn't ready although its database answers; undefined while all is well. */
  unready?: (() => string | undefined) | undefined
  notes?: HealthNotes | undefined
}

/** The part that every service has: ids, health, metrics, OpenAPI, problem details, access, shutdown. */
export function createApp(deps: AppDeps): FastifyInstance {
  const app: FastifyInstance = fastify({
    // Fastify asks for its own logger type; pino is what that type describes.
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: 'idle',
    frameworkErrors: refuseUrl,
    genReqId: request => headerText(request.headers['x-request-id']) ?? randomUUID()
  })
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.decorateRequest('correlationId', '')
  app.decorateRequest('caller', 'anonymous')
  addHooks(app, deps)
  endConnections(app)
  addErrors(app, deps.log)
  app.register(swagger, { openapi: { info: { title: deps.name, description: deps.description, version: '1.0.0' } } })
  app.register(swaggerUi, { routePrefix: '/docs', uiHooks: {}, logLevel: 'warn' })
  app.register(healthRoutes(deps))
  return app
}

function addHooks(app: FastifyInstance, { log, metrics, serviceAuth }: AppDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    request.correlationId = headerText(request.headers['x-correlation-id']) ?? request.id
    reply.header('x-request-id', request.id).header('x-correlation-id', request.correlationId)
    const { access = 'callers' } = request.routeOptions.config
    if (access !== 'callers' || !serviceAuth || isDocs(request.routeOptions.url) || request.is404) return
    const operation = request.routeOptions.schema?.operationId ?? ''
    const answer = await serviceAuth(request.headers.authorization, operation)
    if ('status' in answer) return sendProblem(reply, { status: answer.status, detail: answer.reason })
    request.caller = answer.caller
  })
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'unknown', config } = request.routeOptions
    metrics.requestSeconds.observe(
      { method: request.method, route, status: reply.statusCode },
      reply.elapsedTime / 1000
    )
    if (config.access === 'push' || config.access === 'open') return
    const { method, id: request_id, correlationId: correlation_id } = request
    const fields = { method, route, status: reply.statusCode, request_id, correlation_id }
    log.info({ ...fields, processing_time_ms: Math.round(reply.elapsedTime) }, 'request_completed')
  })
}

/** A connection that is busy when the server closes would be kept alive by its answer, and the server with it. */
function endConnections(app: FastifyInstance): void {
  let stopping = false
  const end = createConnectionEnd(app.server)
  app.addHook('preClose', async () => {
    stopping = true
    end()
  })
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close')
  })
}

const isDocs = (route: string | undefined): boolean => route === '/docs' || route?.startsWith('/docs/') === true

/** Ids that clients choose are echoed and stored: visible ASCII, at most 128 characters, else a new one is made. */
function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value) ? value : undefined
}

/** The router has no route, and so no hook, for a URL that it can't read. */
function refuseUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode: status = 400 } = error
  const id = headerText(request.headers['x-correlation-id']) ?? request.id
  reply.header('x-request-id', request.id).header('x-correlation-id', id)
  sendProblem(reply, { status, detail: status === 414 ? 'a part of the path is too long' : 'the path can’t be read' })
}

function addErrors(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((request, reply) => {
    sendProblem(reply, { status: 404, detail: `there is no ${request.method} ${request.url.split('?')[0]}` })
  })
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error)
    if (status < 500 && error instanceof Error) return sendProblem(reply, { status, detail: error.message })
    log.error({ error, request_id: request.id, correlation_id: request.correlationId }, 'request_failed')
    return sendProblem(reply, {
      status,
      detail: status === 503 ? 'try again' : 'the request failed; the log has the reason'
    })
  })
}

function statusOf(error: unknown): number {
  if (error instanceof HttpProblem) return error.status
  if (isConnectionFault(error) || isConflict(error)) return 503
  if (error instanceof PermanentError || !(error instanceof Error)) return 500
  if ('validation' in error) return 400
  const status = 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}
