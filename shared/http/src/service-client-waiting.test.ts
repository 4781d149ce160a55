import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Callee, clientOf, fast, good, patient, silent, startCallee, status } from './service-client-fixture.ts'

describe('waiting', { concurrency: true }, () => {
  /** Between arrivals, by the callee's clock. */
  const gaps = ({ arrivals }: Callee) => arrivals.slice(1).map(({ at }, index) => at - (arrivals[index]?.at ?? 0))
  /** A timer may fire a little early. */
  const atLeast = (gap: number | undefined, ms: number) =>
    assert.ok((gap ?? 0) > 0.95 * ms, `${gap} ms is less than ${ms}`)

  test('doubles', async () => {
    const callee = await startCallee(status(500))
    await clientOf(callee.url, { settings: { ...patient, CALL_ATTEMPTS: 4 } }).weigh()
    for (const [index, gap] of gaps(callee).entries()) atLeast(gap, 40 * 2 ** index)
    assert.equal(callee.arrivals.length, 4)
  })

  test('no two callers wait alike, and none longer than the longest back-off', async () => {
    const callee = await startCallee(status(500))
    const settings = { ...patient, CALL_ATTEMPTS: 4, CALL_BACKOFF_MIN_MS: 20, CALL_BACKOFF_MAX_MS: 50 }
    const callers = Array.from({ length: 8 }, () => clientOf(callee.url, { settings }))
    await Promise.all(callers.map(caller => caller.weigh()))
    const delays = callers.map(({ about }) => about('service_call_failed').flatMap(line => line.delay_ms ?? []))
    assert.ok(new Set(delays.map(([first]) => first)).size > 1)
    for (const [first, second, third] of delays as number[][]) {
      assert.ok(first !== undefined && first >= 20 && first <= 40)
      assert.ok(second !== undefined && second >= 40 && second <= 50)
      assert.equal(third, 50)
    }
  })

  const asked: [what: string, header: () => string, ms: number][] = [
    ['in seconds', () => '1', 1_000],
    ['as a date', () => new Date(Date.now() + 2_000).toUTCString(), 1_000]
  ]
  for (const [what, header, ms] of asked) {
    for (const code of [429, 503]) {
      test(`as long as a ${code} asks ${what}`, async () => {
        const callee = await startCallee((_, response) => status(code, { 'retry-after': header() })(_, response), good)
        assert.equal((await clientOf(callee.url).weigh()).ok, true)
        atLeast(gaps(callee)[0], ms)
      })
    }
  }

  test('a date by the callee’s own clock', async () => {
    const [date, retry] = [0, 1_000].map(ms => new Date(Date.UTC(2020, 0) + ms).toUTCString())
    const callee = await startCallee(status(429, { date: String(date), 'retry-after': String(retry) }), good)
    assert.equal((await clientOf(callee.url).weigh()).ok, true)
    atLeast(gaps(callee)[0], 1_000)
  })

  for (const header of ['21', new Date(Date.now() + 3_600_000).toUTCString()]) {
    test(`longer than the budget (${header}) is a failure at once`, async () => {
      const callee = await startCallee(status(429, { 'retry-after': header }), good)
      const result = await clientOf(callee.url).weigh()
      assert.ok(!result.ok)
      assert.deepEqual([result.reason, result.status, result.attempts], ['rate_limited', 429, 1])
    })
  }

  for (const header of ['', 'soon', '-5', '0', new Date(0).toUTCString()]) {
    test(`Retry-After: ${header || 'nothing'} leaves the back-off as it is`, async () => {
      const callee = await startCallee(status(503, { 'retry-after': header }), good)
      const { weigh, about } = clientOf(callee.url)
      assert.equal((await weigh()).attempts, 2)
      const [line] = about('service_call_failed')
      assert.ok(Number(line?.delay_ms) >= 40 && Number(line?.delay_ms) <= 80)
    })
  }

  test('all attempts share the budget', async () => {
    const callee = await startCallee(silent)
    const settings = { ...fast, CALL_ATTEMPTS: 10, CALL_TIMEOUT_MS: 100, CALL_BUDGET_MS: 350, CALL_BACKOFF_MAX_MS: 40 }
    const result = await clientOf(callee.url, { settings }).weigh()
    assert.ok(!result.ok && result.attempts >= 1 && result.attempts <= 3, `${result.attempts} attempts`)
  })
})
