import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Issuer, startIssuer } from '../../local/src/issuer.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'

const audience = 'https://settlement.example'
const email = 'settlement-push@example.iam.gserviceaccount.com'
const MINUTE = 60_000

/** The library that fetches the keys reads the clock itself, so the whole process' clock is moved, for issuer and verifier alike. */
describe('keys come and go', () => {
  let issuer: Issuer
  let verify: TokenVerifier
  let number = 0

  beforeEach(async () => {
    mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 31) })
    issuer = await startIssuer()
    verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: issuer.jwksUrl })
  })
  afterEach(async () => {
    mock.timers.reset()
    await issuer.close()
  })

  /** A token that wasn't seen before. */
  const mint = () => issuer.mint({ audience, email, overrides: { claims: { jti: String(number++) } } })
  const statusOf = async (token: string) => {
    const read = await verify(`Bearer ${token}`)
    return 'status' in read ? read.status : 200
  }

  test('a new key is known within 60 s, and old ones go on', async () => {
    const old = await mint()
    assert.equal(await statusOf(old), 200)
    issuer.rotate()
    const young = await mint()
    mock.timers.tick(MINUTE)
    assert.deepEqual([await statusOf(young), await statusOf(old)], [200, 200])
  })

  test('right after a fetch an unknown key is refused without another fetch', async () => {
    assert.equal(await statusOf(await mint()), 200)
    issuer.rotate()
    assert.equal(await statusOf(await mint()), 401)
  })

  test('known keys verify however long the issuer is away; an unknown one is then 503', async () => {
    assert.equal(await statusOf(await mint()), 200)
    await issuer.close()
    for (const minutes of [1, 11, 60, 24 * 60]) {
      mock.timers.tick(minutes * MINUTE)
      assert.equal(await statusOf(await mint()), 200, `after ${minutes} more minutes`)
    }
    issuer.rotate()
    assert.equal(await statusOf(await mint()), 503)
  })

  test('an issuer that answers nonsense is away', async () => {
    const nonsense = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: `${issuer.url}/nothing-here` })
    const read = await nonsense(`Bearer ${await mint()}`)
    assert.equal('status' in read && read.status, 503)
  })

  test('a retired key is dropped by the refresh after 10 minutes', async () => {
    assert.equal(await statusOf(await mint()), 200)
    const tokens = await Promise.all(Array.from({ length: 200 }, mint))
    issuer.rotate()
    issuer.retire()
    mock.timers.tick(11 * MINUTE)
    // The refresh doesn't hold up the request that starts it.
    assert.equal(await statusOf(tokens.pop() ?? ''), 200)
    for (const token of tokens) {
      if ((await statusOf(token)) === 401) return
      await sleep(20)
    }
    assert.fail('the retired key was never dropped')
  })

  test('a token is remembered until it expires, and no longer', async () => {
    const token = await mint()
    assert.equal(await statusOf(token), 200)
    mock.timers.tick(59 * MINUTE)
    assert.equal(await statusOf(token), 200)
    mock.timers.tick(MINUTE)
    assert.equal(await statusOf(token), 401)
  })

  test('what is remembered is this very token: the same claims under another signature are refused', async () => {
    const token = await mint()
    assert.equal(await statusOf(token), 200)
    const [header, claims, signature = ''] = token.split('.')
    const other = signature.replace(/^./, first => (first === 'A' ? 'B' : 'A'))
    assert.equal(await statusOf(`${header}.${claims}.${other}`), 401)
  })

  test('the memory is bounded: the oldest token is forgotten after 1,000 others', async () => {
    const token = await mint()
    assert.equal(await statusOf(token), 200)
    const others = await Promise.all(Array.from({ length: 1_000 }, mint))
    issuer.rotate()
    issuer.retire()
    mock.timers.tick(MINUTE)
    // Teaches it the new key: from now on the old one's tokens pass only from memory.
    const [last = '', ...rest] = others
    for (const other of rest) assert.equal(await statusOf(other), 200)
    assert.equal(await statusOf(await mint()), 200)
    assert.equal(await statusOf(last), 401)
    assert.equal(await statusOf(rest.at(-1) ?? ''), 200)
    assert.equal(await statusOf(token), 401)
  })
})

test('the clock is an argument', async () => {
  const issuer = await startIssuer()
  const { url, jwksUrl } = issuer
  const token = await issuer.mint({ audience, email })
  for (const mode of ['oidc', 'iam'] as const) {
    let now = Date.now()
    const verify = createTokenVerifier({ mode, issuer: url, jwksUrl, now: () => now })
    assert.ok('claims' in (await verify(`Bearer ${token}`)))
    now += 2 * 60 * MINUTE
    assert.ok('status' in (await verify(`Bearer ${token}`)))
  }
  await issuer.close()
})

test('only RS256 is taken, though the issuer’s keys may not say so', async () => {
  const issuer = await startIssuer()
  const published = await (await fetch(issuer.jwksUrl)).json()
  for (const key of (published as { keys: { alg?: string }[] }).keys) delete key.alg // a JWK set
  const keys = createServer((_, response) => response.end(JSON.stringify(published))).listen(0, '127.0.0.1')
  await once(keys, 'listening')
  const { port } = keys.address() as AddressInfo // a TCP server that listens has one
  const verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: `http://127.0.0.1:${port}` })
  const read = async (alg: string) =>
    verify(`Bearer ${await issuer.mint({ audience, email, overrides: { header: { alg } } })}`)
  assert.ok('claims' in (await read('RS256')))
  for (const alg of ['PS256', 'RS512']) {
    const refused = await read(alg)
    assert.equal('status' in refused && refused.status, 401, alg)
  }
  keys.closeAllConnections()
  keys.close()
  await issuer.close()
})
