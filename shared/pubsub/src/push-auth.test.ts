import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { decodeProtectedHeader, SignJWT } from 'jose'
import { type Issuer, type MintRequest, startIssuer } from '../../local/src/issuer.ts'
import { createPushAuth } from './push-auth.ts'
import { createTokenVerifier } from './token-verifier.ts'

const audience = 'https://settlement.example'
const email = 'settlement-push@example.iam.gserviceaccount.com'

let issuer: Issuer
let stranger: Issuer
before(async () => {
  issuer = await startIssuer()
  stranger = await startIssuer()
})
after(() => Promise.all([issuer.close(), stranger.close()]))

const authOf = (mode: 'iam' | 'oidc', place = issuer) =>
  createPushAuth({
    verify: createTokenVerifier({ mode, issuer: place.url, jwksUrl: place.jwksUrl }),
    audience,
    email
  })
const genuine = () => issuer.mint({ audience, email })
const with_ = (overrides: MintRequest['overrides'] & object) => issuer.mint({ audience, email, overrides })
const withClaim = (name: string, value: unknown) => with_({ claims: { [name]: value } })
/** What Cloud Run passes on. */
const stripped = (token: string) => token.replace(/[^.]*$/, 'SIGNATURE_REMOVED_BY_GOOGLE')

type Token = () => Promise<string>
type Row = [what: string, token: Token, status: 401 | 403]

/** Refused in both modes. */
const claims: Row[] = [
  ['expired', () => with_({ lifetimeSeconds: -1 }), 401],
  ['of another issuer', () => withClaim('iss', 'https://accounts.example.com'), 401],
  ...['iss', 'aud', 'email', 'email_verified', 'exp'].map(
    name => [`without ${name}`, () => withClaim(name, undefined), 401] as Row
  ),
  ['with an exp that is a text', () => withClaim('exp', '9999999999'), 401],
  ['for another audience', () => issuer.mint({ audience: 'https://risk-engine.example', email }), 403],
  ['for an audience with a slash more', () => issuer.mint({ audience: `${audience}/`, email }), 403],
  ['for two audiences', () => withClaim('aud', [audience, 'https://risk-engine.example']), 403],
  [
    'of another account',
    () => issuer.mint({ audience, email: 'risk-engine-push@example.iam.gserviceaccount.com' }),
    403
  ],
  ['of the account in other letters', () => issuer.mint({ audience, email: email.toUpperCase() }), 403],
  ['with an email that isn’t verified', () => withClaim('email_verified', false), 403],
  ['with an email that is verified as a text', () => withClaim('email_verified', 'true'), 403]
]

/** Refused where the signature is there to be verified. */
const forgeries: Row[] = [
  ['without a signature', () => with_({ alg: 'none' }), 401],
  ['signed with the public key as secret', () => with_({ alg: 'HS256' }), 401],
  ['with a stripped signature', async () => stripped(await genuine()), 401],
  [
    'with a signature of something else',
    async () => `${body(await genuine())}.${signature(await withClaim('sub', '1'))}`,
    401
  ],
  ['with other claims under its signature', async () => forged(await genuine(), { aud: audience, email: 'me' }), 401],
  [
    'of a key that nobody knows',
    async () => stranger.mint({ audience, email, overrides: { claims: { iss: issuer.url } } }),
    401
  ],
  ['of another key under a known name', async () => signedBy(await genuine()), 401],
  ['with another algorithm of the same key', async () => with_({ header: { alg: 'PS256' } }), 401],
  ['not valid yet', async () => withClaim('nbf', Math.floor(Date.now() / 1000) + 600), 401]
]

const body = (token: string) => token.split('.').slice(0, 2).join('.')
const signature = (token: string) => token.split('.')[2] ?? ''
function forged(token: string, claimed: object): string {
  const [header, , sealed] = token.split('.')
  return `${header}.${Buffer.from(JSON.stringify(claimed)).toString('base64url')}.${sealed}`
}
async function signedBy(token: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: decodeProtectedHeader(token).kid ?? '' })
    .sign(privateKey)
}

const headers: [string, () => Promise<string | undefined>][] = [
  ['no header', async () => undefined],
  ['an empty header', async () => ''],
  ['basic authentication', async () => 'Basic dXNlcjpwYXNz'],
  ['no token', async () => 'Bearer '],
  ['garbage', async () => 'Bearer garbage'],
  ['three parts of garbage', async () => 'Bearer a.b.c'],
  ['a token without "Bearer"', genuine],
  ['two tokens', async () => `Bearer ${await genuine()}, Bearer ${await genuine()}`],
  ['a token and something behind it', async () => `Bearer ${await genuine()}.x`]
]

/** No part of a token, of 16 characters or more, is in the text. */
function assertSilent(text: string, token: string | undefined): void {
  for (const part of (token ?? '').replace('Bearer ', '').split('.')) {
    for (let at = 0; at + 16 <= part.length; at += 1) assert.ok(!text.includes(part.slice(at, at + 16)))
  }
}

for (const mode of ['oidc', 'iam'] as const) {
  describe(`a push in mode ${mode}`, () => {
    const asSent = async (token: Token) => (mode === 'iam' ? stripped(await token()) : token())

    test('with a genuine token is let in, again and again', async () => {
      const auth = authOf(mode)
      const token = await asSent(genuine)
      for (const scheme of ['Bearer', 'bearer', 'Bearer']) assert.equal(await auth(`${scheme} ${token}`), undefined)
    })

    for (const [what, header] of headers) {
      test(`with ${what}: 401`, async () => {
        const given = await header()
        const refusal = await authOf(mode)(given)
        assert.equal(refusal?.status, 401)
        assertSilent(refusal.reason, given)
      })
    }

    for (const [what, token, status] of mode === 'oidc' ? [...claims, ...forgeries] : claims) {
      test(`with a token ${what}: ${status}`, async () => {
        const given = await asSent(token)
        const auth = authOf(mode)
        for (const attempt of [1, 2]) {
          const refusal = await auth(`Bearer ${given}`)
          assert.equal(refusal?.status, status, `attempt ${attempt}: ${refusal?.reason}`)
          assertSilent(refusal.reason, given)
        }
      })
    }
  })
}

test('in mode iam the signature is Cloud Run’s business: there is none', async () => {
  assert.equal(await authOf('iam')(`Bearer ${stripped(await genuine())}`), undefined)
})

test('while the keys can’t be read: 503, and recovery as soon as they can', async () => {
  const gone = await startIssuer()
  const token = await gone.mint({ audience, email })
  const auth = authOf('oidc', gone)
  const port = Number(new URL(gone.url).port)
  await gone.close()
  assert.equal((await auth(`Bearer ${token}`))?.status, 503)
  const back = await startIssuer({ port })
  assert.equal(await auth(`Bearer ${await back.mint({ audience, email })}`), undefined)
  await back.close()
})

test('an empty audience or email is refused at the start: it would let anybody in', () => {
  const verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: issuer.jwksUrl })
  assert.throws(() => createPushAuth({ verify, audience: '', email }), /PUSH_AUDIENCE/)
  assert.throws(() => createPushAuth({ verify, audience, email: '' }), /PUSH_SERVICE_ACCOUNT/)
})
