import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { appendOutbox, createSql, migrate, outboxMigrations, type Pool } from '@fusion-prime/postgres'
import { createLog, PermanentError } from '@fusion-prime/runtime'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { Type } from 'typebox'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createApp } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { HttpProblem } from './problem.ts'

/** What stands between the pool and Postgres; cut, nothing gets through and nobody listens. */
async function createWire({ hostname, port: target }: URL) {
  const sockets = new Set<Socket>()
  async function listen(port: number): Promise<Server> {
    const listening = createServer(inner => {
      const outer = connect(Number(target), hostname)
      for (const [one, other] of [
        [inner, outer],
        [outer, inner]
      ] as const) {
        sockets.add(one)
        one.on('error', () => {}).on('close', () => other.destroy())
        one.pipe(other)
      }
    }).listen(port, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }
  let server = await listen(0)
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return {
    port,
    async restore() {
      server = await listen(port)
    },
    async cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
  }
}

let database: TestDatabase
let wire: Awaited<ReturnType<typeof createWire>>
let sql: Pool
let app: FastifyInstance
const lines: Record<string, unknown>[] = []

const Echo = Type.Object({ amount: Type.String(), count: Type.Optional(Type.Integer()) })
before(async () => {
  database = await testDatabase()
  const url = new URL(database.url)
  wire = await createWire(url)
  url.hostname = '127.0.0.1'
  url.port = String(wire.port)
  sql = createSql({ url: url.href, max: 3, applicationName: 'test' })
  await migrate(sql, { folders: [outboxMigrations] })
  app = createApp({
    name: 'shop',
    description: 'Sells things',
    log: createLog('shop', { write: line => void lines.push(JSON.parse(line)) }),
    sql,
    metrics: createMetrics(),
    serviceAuth: undefined,
    details: async () => ({ shelves: 3 })
  })
  const failures: Record<string, () => Error> = {
    plain: () => new Error('secret detail'),
    permanent: () => new PermanentError('secret detail'),
    connection: () => Object.assign(new Error('secret detail'), { code: 'CONNECTION_CLOSED' }),
    conflict: () => Object.assign(new Error('secret detail'), { code: '55P03' }),
    problem: () => new HttpProblem(409, 'two of them')
  }
  app.register(async routes => {
    const schema = { operationId: 'echo', body: Echo }
    routes.post('/echo', { schema }, async request => request.body)
    const querystring = Type.Object({ limit: Type.Optional(Type.Integer()) })
    routes.get('/list', { schema: { operationId: 'list', querystring } }, async request => request.query)
    routes.get<{ Params: { how: string } }>('/fail/:how', async request => {
      throw failures[request.params.how]?.()
    })
  })
  await app.ready()
})
after(async () => {
  await app?.close()
  await sql?.end()
  await database?.close()
  await wire?.cut()
})

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
const post = (payload: InjectOptions['payload'], type = 'application/json') =>
  app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': type }, payload: payload ?? '' })

describe('health', () => {
  test('four endpoints, while all is well', async () => {
    assert.deepEqual((await get('/health')).json(), { status: 'ok', service: 'shop' })
    assert.deepEqual((await get('/health/live')).json(), { status: 'ok' })
    assert.deepEqual((await get('/health/ready')).json(), { status: 'ready', stopping: false, database: 'ok' })
    const message = {
      topic: 't',
      event_id: '00000000-0000-8000-8000-000000000000',
      data: '',
      attributes: {},
      ordering_key: ''
    }
    await appendOutbox(sql, [message])
    const { uptime_seconds, outbox, ...rest } = (await get('/health/detailed')).json()
    assert.deepEqual(rest, { status: 'ok', service: 'shop', database: 'ok', shelves: 3 })
    assert.deepEqual([typeof uptime_seconds, outbox.depth, typeof outbox.oldest_seconds], ['number', 1, 'number'])
  })

  test('without Postgres: alive, not ready; ready again when it is back', async () => {
    await wire.cut()
    const statuses = async () =>
      Promise.all(
        ['/health', '/health/live', '/health/ready', '/health/detailed'].map(async url => (await get(url)).statusCode)
      )
    assert.deepEqual(await statuses(), [200, 200, 503, 503])
    assert.equal((await get('/health/ready')).json().database, 'unreachable')
    assert.doesNotMatch((await get('/health/detailed')).body, /127\.0\.0\.1|ECONN|test_/)
    await wire.restore()
    for (let tries = 0; tries < 100 && (await get('/health/ready')).statusCode !== 200; tries += 1) await sleep(100)
    assert.deepEqual(await statuses(), [200, 200, 200, 200])
  })
})

describe('problem details', () => {
  const failures: [how: string, status: number, detail: RegExp][] = [
    ['plain', 500, /^the request failed; the log has the reason$/],
    ['permanent', 500, /^the request failed; the log has the reason$/],
    ['connection', 503, /^try again$/],
    ['conflict', 503, /^try again$/],
    ['problem', 409, /^two of them$/]
  ]
  for (const [how, status, detail] of failures) {
    test(`a ${how} failure: ${status}, and no internals`, async () => {
      const answer = await get(`/fail/${how}`)
      assert.equal(answer.statusCode, status)
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
      const { type, title, status: told, detail: said, instance } = answer.json()
      assert.deepEqual([type, typeof title, told, instance], ['about:blank', 'string', status, `/fail/${how}`])
      assert.match(said, detail)
    })
  }

  test('what the client isn’t told, the log is', async () => {
    await get('/fail/plain', { 'x-request-id': 'r-1' })
    const line = lines.find(one => one.message === 'request_failed' && one.request_id === 'r-1')
    assert.equal(line?.severity, 'ERROR')
    assert.match(JSON.stringify(line.error), /secret detail/)
  })

  const paths: [what: string, path: string, status: number][] = [
    ['bytes that are no text', '/fail/%E0%A4%A', 400],
    ['a percent sign alone', '/fail/%zz', 400],
    ['a part of 401 characters', `/fail/${'x'.repeat(401)}`, 414]
  ]
  for (const [what, path, status] of paths) {
    test(`a path with ${what}: ${status}`, async () => {
      const answer = await get(path, { 'x-correlation-id': 'c-1' })
      assert.equal(answer.statusCode, status)
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
      assert.equal(answer.headers['x-correlation-id'], 'c-1')
      assert.equal(answer.json().status, status)
    })
  }

  test('a name of 200 characters fits a path, whatever characters they are', async () => {
    const answer = await get(`/fail/${encodeURIComponent('😀'.repeat(200))}`)
    assert.equal(answer.statusCode, 500) // the route was found, and throws
  })

  test('an unknown path is 404, without its query', async () => {
    const answer = await get('/nowhere?token=abc')
    assert.equal(answer.statusCode, 404)
    assert.equal(answer.json().detail, 'there is no GET /nowhere')
    assert.equal((await app.inject({ method: 'DELETE', url: '/echo' })).statusCode, 404)
  })

  const bodies: [what: string, body: string, type: string, status: number][] = [
    ['no JSON', '{"amount":', 'application/json', 400],
    ['nothing', '', 'application/json', 400],
    ['a __proto__', '{"amount":"1","__proto__":{}}', 'application/json', 400],
    ['a text', '{"amount":"1"}', 'text/plain', 415],
    ['a form', 'amount=1', 'application/x-www-form-urlencoded', 415],
    ['a CloudEvent', '{"amount":"1"}', 'application/cloudevents+json', 415],
    ['256 KiB and a byte', JSON.stringify({ amount: 'x'.repeat(262_144 - 12) }), 'application/json', 413],
    ['256 KiB', JSON.stringify({ amount: 'x'.repeat(262_144 - 13) }), 'application/json', 200],
    ['JSON with a charset', '{"amount":"1"}', 'application/json; charset=utf-8', 200]
  ]
  for (const [what, body, type, status] of bodies) {
    test(`a body of ${what}: ${status}`, async () => {
      const answer = await post(body, type)
      assert.equal(answer.statusCode, status)
      if (status !== 200) assert.equal(answer.json().status, status)
    })
  }

  test('bodies are never coerced, and unknown fields stay; only a URL’s parts are converted', async () => {
    for (const wrong of [{ amount: 1000 }, { amount: '1', count: '5' }, { amount: null }, { amount: ['1'] }, {}, []]) {
      const answer = await post(wrong)
      assert.equal(answer.statusCode, 400, JSON.stringify(wrong))
      assert.match(answer.json().detail, /^body/)
    }
    const right = { amount: '1000', count: 5, more: { of: 'it' } }
    assert.deepEqual((await post(right)).json(), right)
    assert.deepEqual((await get('/list?limit=5')).json(), { limit: 5 })
    for (const limit of ['five', '5.7', 'true', '', '1e400']) {
      assert.equal((await get(`/list?limit=${limit}`)).statusCode, 400, limit)
    }
  })
})

describe('ids', () => {
  test('those of the client are echoed and logged, also with an error', async () => {
    for (const url of ['/list', '/fail/problem', '/nowhere']) {
      const { headers } = await get(url, { 'x-request-id': `r${url}`, 'x-correlation-id': 'escrow:1:0xab' })
      assert.deepEqual([headers['x-request-id'], headers['x-correlation-id']], [`r${url}`, 'escrow:1:0xab'])
      const line = lines.find(one => one.message === 'request_completed' && one.request_id === `r${url}`)
      assert.equal(line?.correlation_id, 'escrow:1:0xab')
    }
  })

  test('without them there are new ones; the request’s serves as correlation id', async () => {
    const [one, other] = [(await get('/list')).headers, (await get('/list')).headers]
    assert.match(String(one['x-request-id']), /^[0-9a-f-]{36}$/)
    assert.equal(one['x-correlation-id'], one['x-request-id'])
    assert.notEqual(one['x-request-id'], other['x-request-id'])
  })

  for (const id of ['a b', 'x'.repeat(129), 'ü', '']) {
    test(`"${id.slice(0, 10)}" isn’t one`, async () => {
      const { headers } = await get('/list', { 'x-request-id': id, 'x-correlation-id': id })
      assert.match(String(headers['x-correlation-id']), /^[0-9a-f-]{36}$/)
    })
  }
})

describe('documents', () => {
  test('OpenAPI at /docs/json names operations, and hides health; /docs is its page', async () => {
    const { openapi, info, paths } = (await get('/docs/json')).json()
    assert.match(openapi, /^3\./)
    assert.deepEqual([info.title, info.description], ['shop', 'Sells things'])
    assert.equal(paths['/echo'].post.operationId, 'echo')
    assert.deepEqual(
      Object.keys(paths).filter(path => path.startsWith('/health') || path.startsWith('/docs')),
      []
    )
    const page = await get('/docs')
    assert.ok([200, 302].includes(page.statusCode))
  })

  test('/metrics is Prometheus’ text, with requests by route and not by path', async () => {
    await get('/fail/problem')
    const answer = await get('/metrics')
    assert.match(String(answer.headers['content-type']), /^text\/plain/)
    assert.match(answer.body, /^http_request_seconds_count\{method="GET",route="\/fail\/:how",status="409"\} \d+$/m)
    assert.match(answer.body, /^process_cpu_user_seconds_total/m)
    assert.doesNotMatch(answer.body, /nowhere/)
  })
})
