import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { createCrashPoint } from '../../../e2e/crash-point.ts'
import { freePorts } from '../../../shared/local/src/ports.ts'
import { createFixture, type Fixture, VENUES } from './testing/fixture.ts'

let fixture: Fixture
let market: Fixture['market']
let pullPrices: Fixture['pullPrices']

before(async () => {
  fixture = await createFixture()
  ;({ market, pullPrices } = fixture)
})
after(() => fixture?.close())
afterEach(() => fixture.reset())

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

function start(args: string[], env: Record<string, string>): ChildProcess & { output(): string } {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  fixture.onEnd(async () => {
    child.kill('SIGKILL')
    await exited
  })
  let output = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  child.stderr?.on('data', chunk => {
    output += chunk
  })
  return Object.assign(child, { output: () => output })
}

const addressOf = (child: { output(): string }): string | undefined =>
  /"address":"(http:[^"]+)"/.exec(child.output())?.[1]

test('killed between commit and publish it loses nothing: the next one publishes just what was committed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'price-oracle-'))
  fixture.onEnd(() => rm(folder, { recursive: true, force: true }))
  const env = await fixture.createEnvironment({ PORT: '0', ASSETS: 'ETH' })
  const crash = createCrashPoint(join(folder, 'crash'))
  crash.arm('batch_committed')
  const child = start(['--import', crash.preload, main, '--mode=loop'], env)
  await until('the commit', crash.isReached)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal((await pullPrices()).size, 0)

  await market.setPrice('ETH', '3950')
  const { round } = fixture.openOracle(env)
  await round()
  assert.deepEqual(
    (await pullPrices()).get('ETH')?.map(({ sequence, price_usd }) => [sequence, price_usd]),
    [
      [1, '3941.34'],
      [2, '3950']
    ]
  )
})

test('as a loop it publishes round after round, tells how it is, runs a round on request, and ends on SIGTERM whoever is connected', async () => {
  const env = await fixture.createEnvironment({ PORT: '0', PRICE_INTERVAL_SECONDS: '1' })
  const child = start([main, '--mode=loop'], env)
  await until('its address', () => addressOf(child))
  const url = addressOf(child) ?? ''
  const rounds = () => child.output().match(/"message":"price_round_done"/g)?.length ?? 0
  await until('a third round', () => rounds() >= 3)

  const get = async (path: string) => (await fetch(url + path)).status
  assert.deepEqual(
    await Promise.all(
      ['/health', '/health/live', '/health/ready', '/health/detailed', '/health/nothing', '/'].map(get)
    ),
    [200, 200, 200, 200, 404, 405]
  )
  const posted = await fetch(url, { method: 'POST', headers: { 'x-correlation-id': 'mine' } })
  assert.equal(posted.status, 200)
  assert.equal(posted.headers.get('x-correlation-id'), 'mine')
  const metrics = await (await fetch(`${url}/metrics`)).text()
  assert.match(metrics, /^prices_published_total\{asset="ETH"\} [1-9]/m)

  const silent = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  fixture.onEnd(async () => silent.destroy())
  await once(silent, 'connect')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0, child.output())
  const sequences = (await pullPrices()).get('ETH')?.map(({ sequence }) => sequence) ?? []
  assert.ok(sequences.length >= 3)
  assert.deepEqual(
    sequences,
    sequences.map((_, index) => index + 1)
  )
})

test('as a function, under Google’s framework, a POST runs a round', async () => {
  const framework = createRequire(import.meta.url).resolve('@google-cloud/functions-framework')
  const index = fileURLToPath(new URL('./index.ts', import.meta.url))
  const env = await fixture.createEnvironment({ PORT: '0' })
  const [port] = await freePorts(1)
  const child = start(
    [join(framework, '../main.js'), '--target=price-oracle', `--source=${index}`, `--port=${port}`],
    env
  )
  const url = `http://127.0.0.1:${port}`
  await until('its health', () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false
    )
  )
  const posted = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
  assert.equal(posted.status, 200, child.output())
  assert.equal((await fetch(url)).status, 405)
  assert.equal((await pullPrices()).size, 4)

  for (const venue of VENUES) await market.distort(venue, { ageSeconds: 200_000 })
  const refused = await fetch(url, { method: 'POST' })
  assert.equal(refused.status, 503)
  assert.match(await refused.text(), /"asset":"ETH","reason":"no_fresh_source"/)
})

test('without settings it says all that is missing and gives up; --help needs none', async () => {
  const bare = { DATABASE_URL: '', GOOGLE_CLOUD_PROJECT: '', RPC_URL: '' }
  const child = start([main, '--mode=loop'], bare)
  const [code] = await once(child, 'exit')
  assert.equal(code, 1)
  for (const name of Object.keys(bare)) assert.match(child.output(), new RegExp(`${name} is missing`))
  const [helped] = await once(start([main, '--help'], bare), 'exit')
  assert.equal(helped, 0)
})
