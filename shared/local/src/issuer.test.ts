import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { type Issuer, type MintRequest, startIssuer } from './issuer.ts'

const audience = 'https://settlement.example'
const email = 'pusher@local.iam.gserviceaccount.com'

describe('the local issuer', () => {
  let issuer: Issuer
  const verify = (token: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(issuer.jwksUrl)), {
      issuer: issuer.url,
      audience,
      algorithms: ['RS256']
    })

  before(async () => {
    issuer = await startIssuer()
  })
  after(() => issuer.close())

  test('issues tokens shaped like Google’s that verify against its published keys', async () => {
    const { payload } = await verify(await issuer.mint({ audience, email }))
    assert.deepEqual(Object.keys(payload).sort(), ['aud', 'azp', 'email', 'email_verified', 'exp', 'iat', 'iss', 'sub'])
    assert.equal(payload.email, email)
    assert.equal(payload.email_verified, true)
    assert.match(payload.sub ?? '', /^\d{21}$/)
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3_600)
  })

  test('takes its time from the clock that it is given', async () => {
    const early = await startIssuer({ clock: () => new Date('2026-01-02T03:04:05Z') })
    assert.equal(decodeJwt(await early.mint({ audience, email })).iat, Date.parse('2026-01-02T03:04:05Z') / 1_000)
    await early.close()
  })

  test('publishes its key as a cacheable JWK set', async () => {
    const response = await fetch(issuer.jwksUrl)
    assert.match(response.headers.get('cache-control') ?? '', /max-age=\d+/)
    const { keys } = (await response.json()) as { keys: Record<string, string>[] } // asserted below
    assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  test('answers tokens over HTTP, as text or JSON', async () => {
    const query = new URLSearchParams({ audience, email })
    const text = await fetch(`${issuer.tokenUrl}?${query}`)
    assert.equal((await verify(await text.text())).payload.email, email)
    const json = await fetch(`${issuer.tokenUrl}?${query}`, { headers: { accept: 'application/json' } })
    const { token } = (await json.json()) as { token: string } // verified in the next line
    assert.equal((await verify(token)).payload.email, email)
    assert.equal((await fetch(`${issuer.tokenUrl}?audience=x`)).status, 400)
    assert.equal((await fetch(`${issuer.url}/other`)).status, 404)
  })

  const forgeries: { what: string; code: string; overrides: NonNullable<MintRequest['overrides']> }[] = [
    { what: 'an expired token', code: 'ERR_JWT_EXPIRED', overrides: { lifetimeSeconds: -10 } },
    {
      what: 'another audience',
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
      overrides: { claims: { aud: 'https://other.example' } }
    },
    {
      what: 'another issuer',
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
      overrides: { claims: { iss: 'https://other.example' } }
    },
    { what: 'no audience', code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', overrides: { claims: { aud: undefined } } },
    { what: 'an unknown key', code: 'ERR_JWKS_NO_MATCHING_KEY', overrides: { header: { kid: 'unknown' } } },
    { what: 'the public key used as a secret', code: 'ERR_JOSE_ALG_NOT_ALLOWED', overrides: { alg: 'HS256' } },
    { what: 'no signature', code: 'ERR_JOSE_ALG_NOT_ALLOWED', overrides: { alg: 'none' } }
  ]
  for (const { what, code, overrides } of forgeries) {
    test(`can issue what a verifier must refuse: ${what}`, async () => {
      await assert.rejects(verify(await issuer.mint({ audience, email, overrides })), { code })
    })
  }

  test('keeps old keys published through a rotation until they are retired', async () => {
    const old = await issuer.mint({ audience, email })
    issuer.rotate()
    const fresh = await issuer.mint({ audience, email })
    assert.notEqual(decodeProtectedHeader(old).kid, decodeProtectedHeader(fresh).kid)
    await verify(old)
    await verify(fresh)
    issuer.retire()
    await assert.rejects(verify(old), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
    await verify(fresh)
  })

  test('is a metadata server to google-auth-library', async () => {
    const caller = 'settlement@local.iam.gserviceaccount.com'
    const script = `
      const { GoogleAuth } = await import('google-auth-library')
      const client = await new GoogleAuth().getIdTokenClient(process.argv[1])
      const headers = await client.getRequestHeaders()
      process.stdout.write(headers.get('authorization'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, audience], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      env: { PATH: process.env.PATH, GCE_METADATA_HOST: await issuer.metadataHost(caller) }
    })
    const [scheme, token = ''] = stdout.split(' ')
    assert.equal(scheme, 'Bearer')
    assert.equal((await verify(token)).payload.email, caller)
  })

  test('as a metadata server, names its account and insists on the header', async () => {
    const base = `http://${await issuer.metadataHost(email)}/computeMetadata/v1/instance/service-accounts/default/email`
    const answer = await fetch(base, { headers: { 'Metadata-Flavor': 'Google' } })
    assert.equal(await answer.text(), email)
    assert.equal(answer.headers.get('metadata-flavor'), 'Google')
    assert.equal((await fetch(base)).status, 403)
  })
})
