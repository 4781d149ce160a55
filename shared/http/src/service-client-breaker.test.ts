import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, mock, test } from 'node:test'
import { clientOf, good, json, patient, startCallee, status } from './service-client-fixture.ts'

describe('the breaker', () => {
  const settings = { ...patient, CALL_ATTEMPTS: 2, CALL_BACKOFF_MIN_MS: 1, CALL_BACKOFF_MAX_MS: 2 }
  before(() => mock.timers.enable({ apis: ['Date'], now: Date.now() }))
  after(() => mock.timers.reset())

  async function opened() {
    const callee = await startCallee(status(500))
    const caller = clientOf(callee.url, { settings })
    for (let call = 0; call < 5; call++) assert.equal(caller.breaker(), 'closed')
    for (let call = 0; call < 5; call++) assert.equal((await caller.weigh()).attempts, 2)
    assert.equal(caller.breaker(), 'open')
    return { callee, ...caller }
  }
  const isOpen = (result: Awaited<ReturnType<ReturnType<typeof clientOf>['weigh']>>) =>
    !result.ok && result.reason === 'breaker_open' && result.attempts === 0

  test('opens after five failed calls, not attempts; then no socket is opened', async () => {
    const { callee, weigh, about } = await opened()
    const [before, connections] = [callee.arrivals.length, callee.connections()]
    assert.equal(before, 10)
    const results = await Promise.all(Array.from({ length: 20 }, () => weigh()))
    assert.ok(results.every(isOpen))
    mock.timers.tick(59_000)
    assert.ok(isOpen(await weigh()))
    assert.deepEqual([callee.arrivals.length, callee.connections()], [before, connections])
    assert.deepEqual(
      about('service_breaker_changed').map(({ callee, state }) => [callee, state]),
      [['scale', 'open']]
    )
  })

  test('half open, it lets one probe through, and closes when that succeeds', async () => {
    const { callee, weigh, about, breaker } = await opened()
    const before = callee.arrivals.length
    mock.timers.tick(60_000)
    const waiting: ServerResponse[] = []
    callee.answer = (_, response) => void waiting.push(response)
    const probe = weigh()
    assert.equal(breaker(), 'half_open')
    const others = await Promise.all(Array.from({ length: 10 }, () => weigh()))
    assert.ok(others.every(isOpen))
    while (waiting.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(callee.arrivals.length, before + 1)
    callee.answer = good
    for (const response of waiting) json(response, 200, { weight: 1 })
    assert.equal((await probe).ok, true)
    assert.equal(breaker(), 'closed')
    assert.ok((await Promise.all([weigh(), weigh()])).every(({ ok }) => ok))
    assert.deepEqual(
      about('service_breaker_changed').map(({ state }) => state),
      ['open', 'half_open', 'closed']
    )
  })

  test('half open, a failed probe opens it again for as long', async () => {
    const { callee, weigh, breaker } = await opened()
    mock.timers.tick(60_000)
    const before = callee.arrivals.length
    assert.equal((await weigh()).attempts, 2)
    assert.equal(breaker(), 'open')
    mock.timers.tick(59_000)
    assert.ok(isOpen(await weigh()))
    assert.equal(callee.arrivals.length, before + 2)
  })

  test('half open, a probe that is called off opens it again', async () => {
    const { callee, weigh, breaker } = await opened()
    mock.timers.tick(60_000)
    const controller = new AbortController()
    callee.answer = () => controller.abort(new Error('the process is ending'))
    await assert.rejects(weigh(controller.signal), /the process is ending/)
    assert.equal(breaker(), 'open')
  })

  test('a callee that refuses is alive', async () => {
    const callee = await startCallee(status(404))
    const { weigh, breaker } = clientOf(callee.url, { settings })
    for (let call = 0; call < 8; call++) await weigh()
    assert.deepEqual([breaker(), callee.arrivals.length], ['closed', 8])
  })

  test('only failures one after the other count', async () => {
    const callee = await startCallee(status(500))
    const { weigh, breaker } = clientOf(callee.url, { settings })
    for (const answer of [status(500), good, status(404)]) {
      callee.answer = answer
      for (let call = 0; call < 4; call++) await weigh()
      assert.equal(breaker(), 'closed')
      callee.answer = status(500)
    }
  })
})
