import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { createBroker } from './broker.ts'
import { runScenario, type Transcript } from './testing/scenario.ts'
import { PROJECT, subscriptionName } from './testing/support.ts'

const REFUSED = 'INVALID_ARGUMENT'
const inThrees = (rest: number) => Array.from({ length: 20 }, (_, index) => `${3 * index + rest}`)

function pushed(message: object) {
  const body = { message, subscription: subscriptionName('pushing') }
  const headers = { type: 'application/json', authorization: 'Bearer' }
  return { path: '/path?query=1', ...headers, body, idIsDigits: true, timeIsIso: true }
}

/** What the broker does where Google's emulator 0.8.20 does something else. Where it no longer does, strike the line out. */
const KNOWN_DIFFERENCES: Readonly<Record<string, { why: string; ours: unknown }>> = {
  'subscribe with 5 s to ack': { why: 'the emulator takes any deadline', ours: REFUSED },
  'subscribe with 3 attempts': { why: 'the emulator says OUT_OF_RANGE', ours: REFUSED },
  'subscribe with a filter that is nonsense': { why: 'the emulator ignores filters', ours: REFUSED },
  'subscribe with a filter of 257 bytes': { why: 'the emulator ignores filters', ours: REFUSED },
  'pull with a filter': { why: 'the emulator ignores filters', ours: ['x', 'y'] },
  'get the subscription': {
    why: 'the emulator leaves the state unspecified',
    ours: { ackDeadlineSeconds: 10, retention: 604_800, ordered: false, endpoint: '', state: 'ACTIVE' }
  },
  'list the subscriptions of an unknown topic': { why: 'the emulator lists none', ours: 'NOT_FOUND' },
  'publish 101 attributes': { why: 'the emulator has no limits for attributes', ours: REFUSED },
  'publish a key of 257 bytes': { why: 'the emulator has no limits for attributes', ours: REFUSED },
  'publish an empty key': { why: 'the emulator has no limits for attributes', ours: REFUSED },
  'publish a value of 1,025 bytes': { why: 'the emulator has no limits for attributes', ours: REFUSED },
  'publish a key that begins with goog': { why: 'the emulator has no limits for attributes', ours: REFUSED },
  'publish an ordering key of 1,025 bytes': { why: 'the emulator has no limit for ordering keys', ours: REFUSED },
  'publish more than 10 MB': { why: 'the emulator takes more', ours: REFUSED },
  'pull a key of which the second was refused and the third acked': {
    why: 'the emulator sends the refused one last',
    ours: ['a2', 'a3', 'a4']
  },
  'stream three keys, refusing one once': {
    why: 'the emulator sends the refused one last',
    ours: { 'key-0': inThrees(0), 'key-1': inThrees(1), 'key-2': inThrees(2) }
  },
  'pull a push subscription': { why: 'the emulator lets it be pulled', ours: 'FAILED_PRECONDITION' },
  push: {
    why: 'the emulator sends neither token nor orderingKey',
    ours: pushed({ attributes: { a: '1' }, data: 'YWxs', orderingKey: 'key' })
  },
  'push without data': {
    why: 'the emulator sends no token, and empty data where the broker leaves it out',
    ours: pushed({ attributes: { only: 'attributes' } })
  },
  'deliveries when the answer is 202': { why: 'the emulator takes 202 as a refusal', ours: 1 },
  'deliveryAttempt of each before the dead letter': { why: 'the emulator leaves it out', ours: [1, 2, 3, 4, 5] },
  'an ordered key goes on within 5 s of its dead letter': {
    why: 'the emulator stops at an ordered message that is used up',
    ours: true
  }
}

let told: Promise<Transcript> | undefined

/** Our transcript, told once for both tests. */
function ours(): Promise<Transcript> {
  told ??= (async () => {
    const broker = await createBroker({ project: PROJECT, mintToken: async () => 'header.claims.signature' })
    return runScenario(broker.host).finally(broker.close)
  })()
  return told
}

test('the broker does what Google’s emulator does, but for what the emulator lacks', async t => {
  const jar = findEmulator()
  if ('missing' in jar) return t.skip(`not compared with Google's emulator: ${jar.missing}`)
  const emulator = await startEmulator(jar.path)
  try {
    const [mine, theirs] = await Promise.all([ours(), runScenario(emulator.host)])
    const steps = new Set([...Object.keys(mine), ...Object.keys(theirs)])
    const differing = [...steps].filter(step => !isDeepStrictEqual(mine[step], theirs[step]))
    for (const step of differing.filter(each => !(each in KNOWN_DIFFERENCES))) {
      t.diagnostic(`${step}: ours ${JSON.stringify(mine[step])}, the emulator's ${JSON.stringify(theirs[step])}`)
    }
    assert.deepEqual(differing.sort(), Object.keys(KNOWN_DIFFERENCES).sort())
  } finally {
    await emulator.stop()
  }
})

test('where Google’s emulator falls short the broker does what Google documents', async () => {
  const transcript = await ours()
  const seen = Object.fromEntries(Object.keys(KNOWN_DIFFERENCES).map(step => [step, transcript[step]]))
  const wanted = Object.fromEntries(
    Object.entries(KNOWN_DIFFERENCES).map(([step, difference]) => [step, difference.ours])
  )
  assert.deepEqual(seen, wanted)
})

function findEmulator(): { path: string } | { missing: string } {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' })
    const root = execFileSync('gcloud', ['info', '--format=value(installation.sdk_root)'], { encoding: 'utf8' }).trim()
    const [path] = globSync(`${root}/platform/pubsub-emulator/lib/*.jar`)
    return path ? { path } : { missing: 'gcloud has no component pubsub-emulator' }
  } catch {
    return { missing: 'gcloud or java is not installed' }
  }
}

async function startEmulator(jar: string) {
  const port = await freePort()
  const java = spawn('java', ['-jar', jar, '--host=127.0.0.1', `--port=${port}`], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const exited = once(java, 'exit')
  const started = new Promise<void>((resolve, reject) => {
    let said = ''
    java.stderr.on('data', chunk => {
      said += chunk
      if (said.includes('Server started')) resolve()
    })
    java.on('exit', code => reject(new Error(`The emulator ended with ${code}: ${said}`)))
  })
  await started
  return {
    host: `127.0.0.1:${port}`,
    async stop() {
      java.kill('SIGKILL')
      await exited
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('No free port.')
  return address.port
}
