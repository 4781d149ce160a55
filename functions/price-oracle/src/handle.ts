import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describeError, type Log, newTraceparent } from '@fusion-prime/runtime'
import type { PriceOracle } from './oracle.ts'
import type { RoundResult, TraceContext } from './round.ts'

/** A readiness check waits this long for the database. */
const PING_MS = 2_000
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

type Answer = { status: number; body: object | string; headers?: Record<string, string> }

/** The function's HTTP: POST runs a round, GET tells how it is. For Node's server, and so for any framework built on it. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createHandle({ oracle, log }: { oracle: PriceOracle; log: Log }): Handle {
  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const isProbe = path === '/metrics' || path === '/health' || path.startsWith('/health/')
    const wanted = isProbe ? 'GET' : 'POST'
    if (request.method !== wanted) {
      const detail = `${path} answers ${wanted} only`
      return { ...problem({ status: 405, title: 'Method Not Allowed', detail }), headers: { allow: wanted } }
    }
    if (isProbe) return probe(oracle, path)
    const context = contextOf(request)
    const headers = { 'x-correlation-id': context.correlation_id }
    try {
      const result = await oracle.round(context)
      return { status: statusOf(result), body: result, headers }
    } catch (error) {
      log.error({ error, correlation_id: context.correlation_id }, 'price_round_failed')
      const detail = 'no price was published: try again; the log has the reason'
      return { ...problem({ status: 503, title: 'Service Unavailable', detail }), headers }
    }
  }

  return async (request, response) => {
    request.resume() // a round takes no body
    const { status, body, headers = {} } = await answer(request)
    const isText = typeof body === 'string'
    const type = status >= 400 && 'title' in Object(body) ? 'application/problem+json' : 'application/json'
    response.writeHead(status, {
      'content-type': isText ? 'text/plain; version=0.0.4; charset=utf-8' : type,
      ...headers
    })
    response.end(isText ? body : JSON.stringify(body))
  }
}

/** 200 when prices are on their way; 503 when none is, so that a scheduler tries again and its failures show. */
function statusOf({ published, superseded, waiting }: RoundResult): number {
  return waiting === 0 && published.length + superseded.length > 0 ? 200 : 503
}

async function probe(oracle: PriceOracle, path: string): Promise<Answer> {
  switch (path) {
    case '/metrics':
      return { status: 200, body: oracle.counters.text() }
    case '/health':
      return { status: 200, body: { status: 'ok', service: 'price-oracle' } }
    case '/health/live':
      return { status: 200, body: { status: 'ok' } }
    case '/health/ready':
    case '/health/detailed': {
      const outbox = await Promise.race([oracle.outbox(), late()]).catch((error: unknown) => describeError(error))
      if (typeof outbox === 'string') return { status: 503, body: { status: 'not_ready', database: 'unreachable' } }
      return { status: 200, body: { status: 'ready', database: 'ok', ...(path.endsWith('detailed') && { outbox }) } }
    }
    default:
      return problem({ status: 404, title: 'Not Found', detail: `there is no ${path}` })
  }
}

const late = (): Promise<string> => new Promise(resolve => setTimeout(resolve, PING_MS, 'no answer').unref())

const problem = (fields: { status: number; title: string; detail: string }): Answer => ({
  status: fields.status,
  body: { type: 'about:blank', ...fields }
})

function contextOf({ headers }: IncomingMessage): TraceContext {
  const { 'x-correlation-id': given, traceparent } = headers
  return {
    correlation_id: typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID(),
    traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : newTraceparent()
  }
}
