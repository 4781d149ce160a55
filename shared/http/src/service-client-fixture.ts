import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { defineOperation } from '@fusion-prime/operations'
import { createLog, newTraceparent } from '@fusion-prime/runtime'
import { Type } from 'typebox'
import type { CallSettings } from './call-settings.ts'
import type { IdToken } from './id-tokens.ts'
import { createServiceClient } from './service-client.ts'

export const weigh = defineOperation({
  id: 'weigh',
  method: 'POST',
  path: '/things/:thing/weigh',
  request: Type.Object({ thing: Type.String(), unit: Type.String() }),
  answer: Type.Object({ weight: Type.Integer() })
})
export const listThings = defineOperation({
  id: 'listThings',
  method: 'GET',
  path: '/things',
  request: Type.Object({
    from: Type.Integer(),
    name: Type.Optional(Type.String()),
    kind: Type.Optional(Type.String())
  }),
  answer: Type.Array(Type.String())
})
export const request = { thing: 'a/b', unit: 'kg' }
export const good: Handler = (_, response) => json(response, 200, { weight: 7, more: true })
export const context = { correlation_id: 'c-1', traceparent: newTraceparent() }
export const fast: CallSettings = {
  CALL_TIMEOUT_MS: 200,
  CALL_ATTEMPTS: 3,
  CALL_BACKOFF_MIN_MS: 40,
  CALL_BACKOFF_MAX_MS: 500,
  CALL_BUDGET_MS: 20_000,
  BREAKER_FAILURES: 5,
  BREAKER_OPEN_MS: 60_000
}
export const patient: CallSettings = { ...fast, CALL_TIMEOUT_MS: 20_000 }

export type Handler = (request: IncomingMessage, response: ServerResponse) => void
type Arrival = { at: number; method: string; url: string; headers: IncomingMessage['headers']; body: string }
export type Callee = { url: string; arrivals: Arrival[]; connections(): number; answer: Handler }

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const closing: (() => unknown)[] = []
after(async () => {
  for (const close of closing) await close()
})

/** A server that notes what comes and when, by its own clock; each request has the next answer, then always the last one. */
export async function startCallee(...answers: [Handler, ...Handler[]]): Promise<Callee> {
  let connections = 0
  const arrivals: Arrival[] = []
  const server = createServer(async (request, response) => {
    const at = performance.now()
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    arrivals.push({ at, method, url, headers, body })
    callee.answer(request, response)
  })
  server.on('connection', () => void connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  const callee: Callee = {
    url: `http://127.0.0.1:${port}`,
    arrivals,
    connections: () => connections,
    answer: (request, response) => (answers[arrivals.length - 1] ?? answers.at(-1) ?? good)(request, response)
  }
  return callee
}

/** A client and what it logs; patient unless said. */
export function clientOf(url: string, { settings = patient, idToken = async () => undefined }: ClientOptions = {}) {
  const lines: Record<string, unknown>[] = []
  const log = createLog('caller', { write: line => void lines.push(JSON.parse(line)) })
  const client = createServiceClient({ name: 'scale', url, idToken, settings, log })
  const about = (message: string) => lines.filter(line => line.message === message)
  return {
    ...client,
    weigh: (signal?: AbortSignal) => client.call(weigh, request, { ...context, ...(signal && { signal }) }),
    about
  }
}
type ClientOptions = { settings?: CallSettings; idToken?: IdToken }

export const silent: Handler = () => undefined
export const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    json(response, code, { detail: 'because' }, headers)
export const text =
  (body: string): Handler =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(body)
export const truncated: Handler = (_, response) => {
  response.writeHead(200, { 'content-length': '100' }).write('{"weight":')
  setTimeout(() => response.destroy(), 5)
}
export const stalled: Handler = (_, response) =>
  void response.writeHead(200, { 'content-length': '100' }).write('{"weight":')
