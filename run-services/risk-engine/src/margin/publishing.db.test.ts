import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createOutboxSweeper } from '@fusion-prime/http'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { createRiskEngine, migrations } from '../app.ts'

let parts: TestParts
before(async () => {
  parts = await createTestParts('risk-engine', migrations)
})
after(() => parts?.close())

test('readiness tells whether alerts go out, and stays: what waits goes out later', async () => {
  const { sql, log } = parts
  let away = true
  const publish: TestParts['publish'] = async messages =>
    away ? messages.map(() => new Error('away')) : parts.publish(messages)
  const app = createRiskEngine({ ...parts, publish, sweeper: createOutboxSweeper({ sql, publish, log }) })
  const told = async () => {
    const [ready, detailed] = await Promise.all(['/health/ready', '/health/detailed'].map(url => app.inject(url)))
    assert.equal(ready?.json().margin_alert_publisher_ready, detailed?.json().margin_alert_publisher_ready)
    return [ready?.statusCode, ready?.json().margin_alert_publisher_ready]
  }
  const watch = (user_id: string) => {
    const payload = { user_id, collateral_positions: { ETH: 1 }, borrow_positions: { USDC: 1 } }
    return app.inject({ method: 'POST', url: '/api/v1/margin/health', payload })
  }
  assert.deepEqual(await told(), [200, true])
  assert.equal((await watch('waits')).statusCode, 200)
  assert.deepEqual(await told(), [200, false])
  away = false
  await watch('goes')
  assert.deepEqual(await told(), [200, true])
  assert.equal(parts.sent.length, 2)
  await sql`update outbox set published_at = null, created_at = now() - interval '11 seconds'`
  assert.deepEqual(await told(), [200, false])
  assert.equal((await app.inject({ method: 'POST', url: '/outbox/sweep' })).json().depth, 0)
  assert.deepEqual(await told(), [200, true])
  await app.close()
})

test('without a database nothing goes out', async () => {
  const own = await createTestParts('risk-engine', migrations)
  const app = createRiskEngine(own)
  await own.close()
  const answer = await app.inject('/health/ready')
  assert.deepEqual([answer.statusCode, answer.json().margin_alert_publisher_ready], [503, false])
  await app.close()
})
