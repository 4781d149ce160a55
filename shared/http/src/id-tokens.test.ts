import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createTokenVerifier } from '@fusion-prime/pubsub'
import { gcpMetadata } from 'google-auth-library'
import { type Issuer, startIssuer } from '../../local/src/issuer.ts'
import { createIdTokens } from './id-tokens.ts'
import { createServiceAuth } from './service-auth.ts'
import { clientOf, good, json, startCallee } from './service-client-fixture.ts'

describe('tokens', () => {
  const account = 'settlement@test.iam.gserviceaccount.com'
  let issuer: Issuer
  before(async () => {
    issuer = await startIssuer()
    delete process.env.METADATA_SERVER_DETECTION
    process.env.GOOGLE_CLOUD_PROJECT = 'test' // else it is looked for with gcloud
    process.env.GCE_METADATA_HOST = await issuer.metadataHost(account)
  })
  after(() => issuer.close())

  test('are the process’ own account’s, for the callee’s root URL: the callee lets them in', async () => {
    const callee = await startCallee(good)
    const verify = createTokenVerifier({ mode: 'oidc', issuer: issuer.url, jwksUrl: issuer.jwksUrl })
    const auth = createServiceAuth({ verify, audience: callee.url, callers: { [account]: ['weigh'] } })
    const judged: unknown[] = []
    callee.answer = async (request, response) => {
      judged.push(await auth(request.headers.authorization, 'weigh'))
      json(response, 200, { weight: 1 })
    }
    const { weigh } = clientOf(`${callee.url}/`, { idToken: createIdTokens('oidc') })
    assert.ok((await weigh()).ok && (await weigh()).ok)
    assert.deepEqual(judged, [{ caller: account }, { caller: account }])
    assert.equal(callee.arrivals[0]?.headers.authorization, callee.arrivals[1]?.headers.authorization)
  })

  test('a metadata server that was away at first', async () => {
    const idToken = createIdTokens('oidc')
    const { GCE_METADATA_HOST: host } = process.env
    process.env.GCE_METADATA_HOST = '127.0.0.1:1'
    gcpMetadata.resetIsAvailableCache()
    await assert.rejects(idToken('https://three.example'))
    process.env.GCE_METADATA_HOST = host
    assert.ok(await idToken('https://three.example'))
  })

  test('one per audience', async () => {
    const idToken = createIdTokens('iam')
    const audiences = ['https://one.example', 'https://two.example', 'https://one.example']
    const [one, two, again] = await Promise.all(audiences.map(idToken))
    assert.ok(one && two && one !== two)
    assert.equal(again, one)
  })

  test('none where none are checked', async () => assert.equal(await createIdTokens('none')('https://x'), undefined))
})
