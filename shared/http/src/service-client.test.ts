import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import {
  clientOf,
  context,
  fast,
  good,
  type Handler,
  json,
  listThings,
  patient,
  request,
  silent,
  stalled,
  startCallee,
  status,
  text,
  truncated,
  weigh
} from './service-client-fixture.ts'

test('a call: path, body, ids and trace', async () => {
  const callee = await startCallee(good)
  assert.deepEqual(await clientOf(callee.url).weigh(), { ok: true, answer: { weight: 7, more: true }, attempts: 1 })
  const [{ method, url, body, headers } = assert.fail()] = callee.arrivals
  assert.deepEqual([method, url, JSON.parse(body)], ['POST', '/things/a%2Fb/weigh', { unit: 'kg' }])
  assert.equal(headers['x-correlation-id'], 'c-1')
  assert.equal(headers.authorization, undefined)
  assert.equal(headers.traceparent?.slice(0, 35), context.traceparent.slice(0, 35))
  assert.notEqual(headers.traceparent, context.traceparent)
})

test('an id that a header can’t carry doesn’t fail the call', async () => {
  const callee = await startCallee(good)
  const { call } = clientOf(callee.url)
  const ids = ['päy 1', '支払い', 'a\r\nx-admin: 1']
  for (const correlation_id of ids) assert.equal((await call(weigh, request, { ...context, correlation_id })).ok, true)
  const sent = callee.arrivals.map(({ headers }) => headers['x-correlation-id'])
  assert.deepEqual(sent, ids.map(encodeURIComponent))
  assert.ok(callee.arrivals.every(({ headers }) => headers['x-admin'] === undefined))
})

test('the values of a GET are its query', async () => {
  const callee = await startCallee((_, response) => json(response, 200, ['one']))
  const { call } = clientOf(`${callee.url}/`)
  const result = await call(listThings, { from: 1, name: 'a&b=c' }, context)
  assert.deepEqual(result, { ok: true, answer: ['one'], attempts: 1 })
  assert.deepEqual([callee.arrivals[0]?.url, callee.arrivals[0]?.body], ['/things?from=1&name=a%26b%3Dc', ''])
})

test('a value that would be another path is refused before anything is sent', async () => {
  const callee = await startCallee(good)
  const { call } = clientOf(callee.url)
  for (const thing of ['', '.', '..'])
    await assert.rejects(call(weigh, { ...request, thing }, context), { name: 'PermanentError' })
  assert.equal(callee.connections(), 0)
})

describe('what comes instead of an answer', { concurrency: true }, () => {
  const cases: [what: string, answer: Handler, reason: string, status: number | null, attempts: number][] = [
    ['400', status(400), 'refused', 400, 1],
    ['401', status(401), 'refused', 401, 1],
    ['404', status(404), 'refused', 404, 1],
    ['409', status(409), 'refused', 409, 1],
    ['408', status(408), 'timeout', 408, 3],
    ['429', status(429), 'rate_limited', 429, 3],
    ['500', status(500), 'server_error', 500, 3],
    ['503', status(503), 'server_error', 503, 3],
    ['a redirect', status(307, { location: 'http://127.0.0.1:1/' }), 'invalid_answer', 307, 3],
    ['text that is no JSON', text('<html>'), 'invalid_answer', 200, 3],
    ['nothing', text(''), 'invalid_answer', 200, 3],
    ['another schema', text('{"weight":"7"}'), 'invalid_answer', 200, 3],
    ['more than 1 MiB', text(`{"weight":7,"more":"${'x'.repeat(1_048_576)}"}`), 'invalid_answer', 200, 3],
    ['half an answer', truncated, 'unreachable', null, 3],
    ['a closed connection', (_, response) => void response.destroy(), 'unreachable', null, 3]
  ]
  for (const [what, answer, reason, status, attempts] of cases) {
    test(`${what}: ${reason}, ${attempts} attempts`, async () => {
      const callee = await startCallee(answer)
      const { weigh, about } = clientOf(callee.url)
      const result = await weigh()
      assert.ok(!result.ok)
      assert.deepEqual([result.reason, result.status, result.attempts], [reason, status, attempts])
      assert.equal(callee.arrivals.length, attempts)
      const logged = about('service_call_failed')
      assert.deepEqual(
        logged.map(line => [line.callee, line.operation, line.attempt, line.reason, line.correlation_id]),
        Array.from({ length: attempts }, (_, index) => ['scale', 'weigh', index + 1, reason, 'c-1'])
      )
      assert.deepEqual(
        logged.map(line => line.delay_ms === null),
        Array.from({ length: attempts }, (_, index) => index === attempts - 1)
      )
    })

    test(`${what}, then an answer: ${attempts === 1 ? 'not asked for' : 'taken'}`, async () => {
      const callee = await startCallee(answer, good)
      const result = await clientOf(callee.url).weigh()
      assert.deepEqual([result.ok, result.attempts], attempts === 1 ? [false, 1] : [true, 2])
    })
  }

  for (const [what, answer] of Object.entries({ 'no answer': silent, 'half an answer and no end': stalled })) {
    test(`${what} within the time: timeout`, async () => {
      const callee = await startCallee(answer)
      const result = await clientOf(callee.url, { settings: { ...fast, CALL_TIMEOUT_MS: 60 } }).weigh()
      assert.ok(!result.ok)
      assert.deepEqual([result.reason, result.status, result.attempts], ['timeout', null, 3])
    })
  }

  test('a refusal whose words never end is a refusal', async () => {
    const callee = await startCallee((_, response) => void response.writeHead(400).write('{"detail":'), good)
    const { weigh } = clientOf(callee.url)
    const result = await weigh()
    assert.ok(!result.ok)
    assert.deepEqual([result.reason, result.status, result.attempts], ['refused', 400, 1])
    for (let calls = 0; calls < 10; calls += 1) assert.ok((await weigh()).ok)
    assert.ok(callee.connections() <= 3) // the unread one is let go of, those that were read to the end are used again
  })

  test('nobody listens: unreachable', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // a TCP server that listens has one
    await new Promise(resolve => server.close(resolve))
    const result = await clientOf(`http://127.0.0.1:${port}`).weigh()
    assert.ok(!result.ok)
    assert.deepEqual([result.reason, result.attempts], ['unreachable', 3])
    assert.match(result.detail, /ECONNREFUSED/)
  })

  test('no token: unreachable, and nothing is sent', async () => {
    const callee = await startCallee(good)
    const idToken = () => Promise.reject(new Error('no metadata server'))
    const result = await clientOf(callee.url, { idToken }).weigh()
    assert.ok(!result.ok)
    assert.deepEqual([result.reason, result.attempts, callee.connections()], ['unreachable', 3, 0])
    assert.match(result.detail, /no ID token: no metadata server/)
  })

  test('a token that never comes: timeout', async () => {
    const settings = { ...fast, CALL_TIMEOUT_MS: 40 }
    const result = await clientOf('http://127.0.0.1:1', { settings, idToken: () => new Promise(() => {}) }).weigh()
    assert.equal(!result.ok && result.reason, 'timeout')
  })
})

describe('when the process ends', () => {
  const ending = () => new Error('the process is ending')

  test('a call isn’t begun', async () => {
    const callee = await startCallee(good)
    await assert.rejects(clientOf(callee.url).weigh(AbortSignal.abort(ending())), /the process is ending/)
    assert.equal(callee.connections(), 0)
  })

  for (const [what, answer] of [
    ['an answer', silent],
    ['the rest of an answer', stalled],
    ['the next attempt', status(503, { 'retry-after': '15' })]
  ] as const) {
    test(`one that waits for ${what} is called off, and says nothing of the callee`, async () => {
      const controller = new AbortController()
      const callee = await startCallee((request, response) => {
        answer(request, response)
        setTimeout(() => controller.abort(ending()), 30)
      })
      const { weigh, breaker } = clientOf(callee.url, { settings: { ...patient, BREAKER_FAILURES: 1 } })
      await assert.rejects(weigh(controller.signal), /the process is ending/)
      assert.deepEqual([callee.arrivals.length, breaker()], [1, 'closed'])
    })
  }

  test('many calls share the signal without a warning', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const callee = await startCallee(status(503))
    const { signal } = new AbortController()
    const { weigh } = clientOf(callee.url, { settings: { ...patient, CALL_ATTEMPTS: 2 } })
    await Promise.all(Array.from({ length: 40 }, () => weigh(signal)))
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', note)
    assert.deepEqual(warnings, [])
  })
})
