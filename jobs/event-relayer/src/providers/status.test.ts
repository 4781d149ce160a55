import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fastify } from 'fastify'
import type { ProviderStatus } from './member.ts'
import { providerRoutes } from './routes.ts'
import { statusTable } from './status-table.ts'

const status: ProviderStatus = {
  id: '1:host:8545',
  healthy: true,
  score: 0.95,
  breaker: 'closed',
  open_until: null,
  rate_limited_until: null,
  success_rate: 0.99,
  latency_ms: 42,
  head: 1000,
  head_lag: 2,
  wrong_answers: { omitted: 1 },
  methods: { eth_getLogs: { calls: 3, failures: 1, bytes: 500 } },
  bytes: 500,
  cost: 225,
  limits: { max_blocks: 800 }
}

test('the table has a line per provider, its columns aligned', () => {
  const [head = '', first = '', second = ''] = statusTable([
    status,
    { ...status, id: '2:other', healthy: false, breaker: 'open', open_until: '2026-11-21T09:00:00.000Z', head: null }
  ]).split('\n')
  assert.match(first, /^1:host:8545 +healthy +0\.95 +99 % +42 ms +1000 +2 +omitted 1 +3 +1 +500 +225 +800$/)
  assert.match(second, /down until 2026-11-21T09:00:00.000Z/)
  assert.equal(head.indexOf('score'), first.indexOf('0.95'))
  assert.equal(head.indexOf('score'), second.indexOf('0.95'))
})

test('GET /providers lists them, GET /providers/:id/health shows one', async () => {
  const app = fastify()
  app.register(providerRoutes({ providers: { status: () => [status] } }))
  const list = await app.inject('/providers')
  assert.deepEqual(list.json(), { items: [status] })
  const one = await app.inject(`/providers/${encodeURIComponent(status.id)}/health`)
  const { methods: _methods, bytes: _bytes, cost: _cost, limits: _limits, ...health } = status
  assert.deepEqual(one.json(), health)
  await app.close()
})

test('an unknown provider is a problem with status 404', async () => {
  const app = fastify()
  app.setErrorHandler((error: Error & { status?: number }, _request, reply) => {
    reply.status(error.status ?? 500).send({ detail: error.message })
  })
  app.register(providerRoutes({ providers: { status: () => [status] } }))
  const answer = await app.inject('/providers/nobody/health')
  assert.equal(answer.statusCode, 404)
  assert.match(answer.json().detail, /nobody/)
  await app.close()
})
