import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createMetrics } from '@fusion-prime/http'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { readConfig } from '@fusion-prime/runtime'
import type { FastifyInstance } from 'fastify'
import { migrations, settlement } from '../app.ts'
import { SettlementConfig } from '../config.ts'
import { approval, createCommand, lowRisk, pushOfCommand } from './command-fixture.ts'

/* Settlement with its real clients, at servers that behave badly. */

type Behaviour = (response: ServerResponse, nth: number) => void
type Server = {
  url: string
  behave: Behaviour
  requests: { url: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }[]
  sockets(): number
  close(): void
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour =>
  response =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const cut: Behaviour = response => response.destroy()
const silence: Behaviour = () => {}

async function startServer(behave: Behaviour): Promise<Server> {
  let sockets = 0
  const listening = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    server.requests.push({ url: request.url ?? '', headers: request.headers, body: JSON.parse(text) })
    server.behave(response, server.requests.length)
  })
  listening.on('connection', () => void sockets++)
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo // a TCP server that listens has one
  const server: Server = {
    url: `http://127.0.0.1:${port}`,
    behave,
    requests: [],
    sockets: () => sockets,
    close() {
      listening.closeAllConnections()
      listening.close()
    }
  }
  return server
}

let parts: TestParts
before(async () => {
  parts = await createTestParts('settlement', migrations)
})
after(() => parts?.close())

type Run = { app: FastifyInstance; risk: Server; compliance: Server }

/** Settlement between two servers of its own, with a breaker of its own. */
async function run(work: (run: Run) => Promise<void>, settings: Record<string, string> = {}): Promise<void> {
  const [risk, compliance] = await Promise.all([startServer(answer(200, lowRisk)), startServer(answer(200, approval))])
  const env = {
    DATABASE_URL: 'postgres://unused',
    GOOGLE_CLOUD_PROJECT: 'test',
    PUSH_AUTH_MODE: 'oidc',
    PUSH_AUDIENCE: 'https://settlement.example',
    PUSH_SERVICE_ACCOUNT: 'push@example',
    PUSH_SUBSCRIPTION_PREFIX: 'projects/test/subscriptions/',
    SERVICE_AUTH_MODE: 'none',
    RISK_ENGINE_URL: risk.url,
    COMPLIANCE_URL: compliance.url,
    CALL_TIMEOUT_MS: '10000',
    CALL_BACKOFF_MIN_MS: '20',
    CALL_BACKOFF_MAX_MS: '100',
    CALL_BUDGET_MS: '40000',
    ...settings
  }
  const app = settlement.create({ ...parts, metrics: createMetrics() }, readConfig(SettlementConfig, env))
  try {
    await work({ app, risk, compliance })
  } finally {
    await app.close()
    risk.close()
    compliance.close()
  }
}

async function handle(app: FastifyInstance, command = createCommand()) {
  assert.equal((await app.inject(pushOfCommand(command))).statusCode, 204)
  return (await app.inject(`/commands/${command.command_id}/status`)).json()
}

test('both are asked at once, with the command’s correlation id and trace', () =>
  run(async ({ app, risk, compliance }) => {
    const command = createCommand()
    assert.equal((await handle(app, command)).status, 'processed')
    for (const [server, path] of [
      [risk, '/risk/portfolio'],
      [compliance, '/compliance/check']
    ] as const) {
      const [request, ...more] = server.requests
      assert.deepEqual([request?.url, more], [path, []])
      assert.equal(request?.headers['x-correlation-id'], command.workflow_id)
      assert.match(String(request?.headers.traceparent), /^00-1{32}-/)
      assert.equal(request?.body.user_id, command.account_ref)
    }
  }))

const first =
  (behaviour: Behaviour, then: Behaviour): Behaviour =>
  (response, nth) =>
    (nth === 1 ? behaviour : then)(response, nth)

type Case = {
  what: string
  behave(right: Behaviour): Behaviour
  calls: number
  reached: boolean
  settings?: Record<string, string>
}
const cases: Case[] = [
  { what: 'is down', behave: () => cut, calls: 3, reached: false },
  { what: 'is silent', behave: () => silence, calls: 3, reached: false, settings: { CALL_TIMEOUT_MS: '500' } },
  { what: 'fails', behave: () => answer(500, { detail: 'secret' }), calls: 3, reached: false },
  { what: 'fails once', behave: right => first(answer(503, {}), right), calls: 2, reached: true },
  { what: 'refuses', behave: () => answer(400, { detail: 'no' }), calls: 1, reached: false },
  { what: 'forbids', behave: () => answer(403, { detail: 'no' }), calls: 1, reached: false },
  {
    what: 'is busy for a second',
    behave: right => first(answer(429, {}, { 'retry-after': '1' }), right),
    calls: 2,
    reached: true
  },
  { what: 'is busy for an hour', behave: () => answer(429, {}, { 'retry-after': '3600' }), calls: 1, reached: false },
  { what: 'talks nonsense', behave: () => response => response.end('<html>'), calls: 3, reached: false },
  { what: 'answers another question', behave: () => answer(200, { ok: true }), calls: 3, reached: false }
]

for (const { what, behave, calls, reached, settings } of cases) {
  test(`compliance ${what}: ${reached ? 'processed' : 'held'}`, () =>
    run(async ({ app, compliance }) => {
      compliance.behave = behave(answer(200, approval))
      const { status, reason, compliance: found, risk } = await handle(app)
      assert.deepEqual([status, reason], reached ? ['processed', null] : ['held', 'compliance_unreachable'])
      assert.deepEqual([found.status, found.approved], reached ? ['approved', true] : ['unreachable', false])
      assert.deepEqual([compliance.requests.length, risk.degraded], [calls, false])
    }, settings))

  test(`the risk engine ${what}: processed${reached ? '' : ' with the fallback'}`, () =>
    run(async ({ app, risk }) => {
      risk.behave = behave(answer(200, lowRisk))
      const { status, risk: found } = await handle(app)
      const fallback = { risk_score: 0.5, risk_level: 'medium', margin_available: null, degraded: true }
      assert.deepEqual(found, reached ? { ...lowRisk, degraded: false } : fallback)
      assert.deepEqual([status, risk.requests.length], ['processed', calls])
    }, settings))
}

test('with nobody at either address a command is held, with the fallback for its risk', () => {
  const nowhere = 'http://127.0.0.1:1'
  return run(
    async ({ app }) => {
      const { reason, risk } = await handle(app)
      assert.deepEqual([reason, risk.degraded], ['compliance_unreachable', true])
    },
    { RISK_ENGINE_URL: nowhere, COMPLIANCE_URL: nowhere }
  )
})

const sweep = async (app: FastifyInstance) => (await app.inject({ method: 'POST', url: '/commands/sweep' })).json()

/** Five commands while compliance is down, which opens the breaker. */
async function openBreaker({ app, compliance }: Run): Promise<void> {
  compliance.behave = cut
  for (let failed = 0; failed < 5; failed += 1) assert.equal((await handle(app)).status, 'held')
  assert.equal(compliance.requests.length, 15)
  compliance.behave = answer(200, approval)
}

test('with the breaker open commands are held at once, and no socket is opened', () =>
  run(async given => {
    const { app, compliance } = given
    await openBreaker(given)
    const sockets = compliance.sockets()
    assert.equal((await handle(app)).reason, 'compliance_unreachable')
    const { tried, held } = await sweep(app)
    assert.ok(tried >= 6)
    assert.deepEqual([held, compliance.requests.length, compliance.sockets()], [tried, 15, sockets])
  }))

test('once the breaker lets a call through, one sweep decides all', () =>
  run(
    async given => {
      await openBreaker(given)
      const { tried, processed } = await sweep(given.app)
      assert.ok(tried >= 5)
      assert.equal(processed, tried)
    },
    { BREAKER_OPEN_MS: '1' }
  ))

test('a service that is stopped while a call waits answers 503 and has decided nothing', () =>
  run(
    async ({ app, compliance }) => {
      const command = createCommand()
      await app.inject({ method: 'POST', url: '/commands/ingest', payload: command })
      compliance.behave = silence
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      const push = pushOfCommand(command)
      const headers = { 'content-type': 'application/json' }
      const answered = fetch(`${url}${push.url}`, { method: 'POST', headers, body: JSON.stringify(push.payload) })
      await until('a question to compliance', () => compliance.requests.length > 0)
      await app.close()
      assert.equal((await answered).status, 503)
      const [row] = await parts.sql<{ status: string }[]>`
        select status from settlement_commands where command_id = ${command.command_id}`
      assert.equal(row?.status, 'received')
    },
    { CALL_TIMEOUT_MS: '30000' }
  ))
