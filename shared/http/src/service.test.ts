import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createLog, defineConfig, PermanentError } from '@fusion-prime/runtime'
import { createApp } from './create-app.ts'
import { createService, maintenanceRoutes, type Service, serviceConfig, startService } from './service.ts'

const shop: Service<ReturnType<typeof shopConfig>> = {
  name: 'shop',
  config: shopConfig(),
  create(parts) {
    const app = createApp({ ...parts, name: 'shop', description: 'Sells things' })
    app.register(maintenanceRoutes(parts))
    app.register(async routes => {
      routes.get('/slow', async () => {
        await new Promise(resolve => setTimeout(resolve, 300))
        return { answered: true }
      })
    })
    return app
  }
}
function shopConfig() {
  return defineConfig(serviceConfig)
}

/** Nothing listens at any of these. */
const env = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  GOOGLE_CLOUD_PROJECT: 'test',
  PUSH_AUTH_MODE: 'oidc',
  PUSH_AUDIENCE: 'https://shop.example',
  PUSH_SERVICE_ACCOUNT: 'push@example',
  PUSH_SUBSCRIPTION_PREFIX: 'projects/test/subscriptions/',
  SERVICE_AUTH_MODE: 'none',
  PORT: '0'
}
const lines: Record<string, unknown>[] = []
const log = createLog('shop', { write: line => void lines.push(JSON.parse(line)) })
const make = (changes: Record<string, string | undefined>) => createService(shop, { env: { ...env, ...changes }, log })

test('a service boots without database, topics or issuer, and says that it isn’t ready', async () => {
  const { app, parts } = make({})
  assert.equal((await app.inject('/health/live')).statusCode, 200)
  assert.equal((await app.inject('/health/ready')).statusCode, 503)
  assert.deepEqual(
    Object.keys((await app.inject('/docs/json')).json().paths).filter(path => path !== '/slow'),
    ['/outbox/sweep', '/inbox/prune', '/outbox/prune']
  )
  await app.close()
  await parts.close()
})

const refused: [what: string, changes: Record<string, string | undefined>, reason: RegExp][] = [
  [
    'no way of authentication is the default',
    { PUSH_AUTH_MODE: undefined, SERVICE_AUTH_MODE: undefined },
    /PUSH_AUTH_MODE is missing.*SERVICE_AUTH_MODE is missing/
  ],
  ['open doors on Cloud Run', { K_SERVICE: 'shop' }, /SERVICE_AUTH_MODE=none is refused on Cloud Run/],
  ['an audience that is empty', { PUSH_AUDIENCE: '' }, /PUSH_AUDIENCE is missing/],
  ['callers without an audience', { SERVICE_AUTH_MODE: 'oidc' }, /SERVICE_AUDIENCE may not be empty/],
  [
    'callers that aren’t JSON',
    { SERVICE_AUTH_MODE: 'iam', SERVICE_AUDIENCE: 'a', ALLOWED_CALLERS: 'me' },
    /ALLOWED_CALLERS must be JSON/
  ],
  [
    'a prefix without its slash',
    { PUSH_SUBSCRIPTION_PREFIX: 'projects/test/subscriptions' },
    /PUSH_SUBSCRIPTION_PREFIX is not valid/
  ],
  ['an inbox that forgets what may come again', { INBOX_RETENTION_DAYS: '38' }, /INBOX_RETENTION_DAYS is not valid/]
]
for (const [what, changes, reason] of refused) {
  test(`refused at the start: ${what}`, () => {
    assert.throws(
      () => make(changes),
      (error: unknown) => error instanceof PermanentError && reason.test(error.message)
    )
  })
}

test('at the end no new work is taken, what is in flight is answered, and then it is over', {
  timeout: 9_500
}, async () => {
  const stop = await startService(shop, { env, log })
  const url = String(lines.findLast(line => line.message === 'service_ready')?.address)
  const slow = fetch(`${url}/slow`)
  await new Promise(resolve => setTimeout(resolve, 100))
  const stopped = stop()
  assert.deepEqual(await (await slow).json(), { answered: true })
  await stopped
  await assert.rejects(fetch(`${url}/health/live`))
})

test('a request that never came, or never whole, doesn’t keep the process from ending', {
  timeout: 30_000
}, async t => {
  const stop = await startService(shop, { env, log })
  const url = String(lines.findLast(line => line.message === 'service_ready')?.address)
  const head = 'POST /outbox/sweep HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 9\r\n'
  for (const text of ['', head.slice(0, 30), `${head}\r\n{`]) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.write(text)
  }
  await fetch(`${url}/health/live`) // by now the others were read
  const startedAt = performance.now()
  await stop()
  assert.ok(performance.now() - startedAt < 9_500)
})
