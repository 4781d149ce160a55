import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createSql } from '@fusion-prime/postgres'
import { createTokenVerifier } from '@fusion-prime/pubsub'
import { createLog } from '@fusion-prime/runtime'
import type { FastifyInstance } from 'fastify'
import { type Issuer, type MintRequest, startIssuer } from '../../local/src/issuer.ts'
import { createApp } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { createServiceAuth, parseAllowedCallers } from './service-auth.ts'

const audience = 'https://shop.example'
const scheduler = 'scheduler@example.iam.gserviceaccount.com'
const operator = 'operator@example.iam.gserviceaccount.com'
const callers = { [scheduler]: ['sweep'], [operator]: ['*'], 'nobody@example': [] }

let issuer: Issuer
let app: FastifyInstance
before(async () => {
  issuer = await startIssuer()
  const verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: issuer.jwksUrl })
  app = createApp({
    name: 'shop',
    description: 'Sells things',
    log: createLog('shop', { write: () => {} }),
    sql: createSql({ url: 'postgres://nobody@127.0.0.1:1/none', max: 1, applicationName: 'test' }),
    metrics: createMetrics(),
    serviceAuth: createServiceAuth({ verify, audience, callers: parseAllowedCallers(JSON.stringify(callers)) })
  })
  app.register(async routes => {
    routes.post('/sweep', { schema: { operationId: 'sweep' } }, async () => ({ swept: true }))
    routes.get('/things', { schema: { operationId: 'listThings' } }, async () => [])
    routes.get('/nameless', async () => [])
    routes.get('/caller', { schema: { operationId: 'whoCalls' } }, async ({ caller }) => caller)
    routes.get('/open', { config: { access: 'open' } }, async ({ caller }) => caller)
  })
  await app.ready()
})
after(async () => {
  await app?.close()
  await issuer?.close()
})

const token = (email: string, overrides: Partial<MintRequest> = {}) => issuer.mint({ audience, email, ...overrides })
type Method = 'GET' | 'POST'
const table: [what: string, authorization: () => Promise<string>, method: Method, url: string, status: number][] = [
  ['a caller and its operation', () => token(scheduler), 'POST', '/sweep', 200],
  ['a caller and another operation', () => token(scheduler), 'GET', '/things', 403],
  ['a caller and an operation without a name', () => token(scheduler), 'GET', '/nameless', 403],
  ['a caller of everything', () => token(operator), 'GET', '/things', 200],
  ['a caller of nothing', () => token('nobody@example'), 'POST', '/sweep', 403],
  ['an account that isn’t listed', () => token('other@example'), 'POST', '/sweep', 403],
  ['an account named like Object’s own', () => token('constructor'), 'POST', '/sweep', 403],
  ['another audience', () => token(operator, { audience: 'https://bank.example' }), 'GET', '/things', 403],
  [
    'an email that isn’t verified',
    () => token(operator, { overrides: { claims: { email_verified: false } } }),
    'GET',
    '/things',
    403
  ],
  ['an expired token', () => token(operator, { overrides: { lifetimeSeconds: -1 } }), 'GET', '/things', 401],
  ['an unsigned token', () => token(operator, { overrides: { alg: 'none' } }), 'GET', '/things', 401],
  ['garbage', async () => 'garbage', 'GET', '/things', 401],
  ['nothing', async () => '', 'GET', '/things', 401],
  ['nothing, at a path that isn’t there', async () => '', 'GET', '/nowhere', 404]
]

describe('who may run what', () => {
  for (const [what, authorization, method, url, status] of table) {
    test(`${method} ${url} with ${what}: ${status}`, async () => {
      const answer = await app.inject({ method, url, headers: { authorization: `Bearer ${await authorization()}` } })
      assert.equal(answer.statusCode, status, answer.body)
      assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined)
    })
  }

  test('a route knows its caller, one that asks for no token doesn’t', async () => {
    const headers = { authorization: `Bearer ${await token(operator)}` }
    assert.equal((await app.inject({ url: '/caller', headers })).body, operator)
    assert.equal((await app.inject({ url: '/open', headers })).body, 'anonymous')
  })

  for (const url of ['/health', '/health/live', '/metrics', '/docs/json']) {
    test(`${url} needs no token`, async () => assert.equal((await app.inject({ url })).statusCode, 200))
  }
})

describe('its settings', () => {
  for (const text of ['', 'x', '[]', 'null', '{"a":"b"}', '{"a":[1]}', '"a"']) {
    test(`ALLOWED_CALLERS=${text} is refused`, () =>
      assert.throws(() => parseAllowedCallers(text), /ALLOWED_CALLERS must be/))
  }
  test('without an audience anybody’s token would do: refused', () => {
    const verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: issuer.jwksUrl })
    assert.throws(() => createServiceAuth({ verify, audience: '', callers }), /SERVICE_AUDIENCE/)
  })
})
